using System.Net;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.Extensions.Hosting;

namespace CozeCluster.Gateway.Tests.Health;

public sealed class DrainTests
{
    [Fact]
    public async Task A_node_that_stops_finishes_replies_and_takes_no_new_turns()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.Begun();
        await conversation.Tell(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;
        // Two idle connections, because the server closes its port at once.
        await Task.WhenAll(host.Http.GetAsync("/health/live"), host.Http.GetAsync("/health/live"));

        var stopping = host.Stop();
        await Until.True(() => host.Services.GetService(typeof(IHostApplicationLifetime)) is IHostApplicationLifetime { ApplicationStopping.IsCancellationRequested: true });

        var refused = await Try(host);
        Assert.True(refused is null or HttpStatusCode.ServiceUnavailable, $"{refused}");
        await conversation.Tell(new Cursor(0, 2), Reply.Text("y", offset: 1), Reply.Stop());
        var events = await SseEvents.Read(response);
        Assert.Equal("xy", string.Concat(events.Select(e => e.Text)));
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Single(host.Grains.Conversations);
    }

    [Fact]
    public async Task A_node_that_gives_notice_takes_turns_while_it_is_not_ready_any_more()
    {
        await using var host = await GatewayHost.Start(options => options.DrainNotice = TimeSpan.FromSeconds(3));
        var lifetime = (IHostApplicationLifetime)host.Services.GetService(typeof(IHostApplicationLifetime))!;
        // Told to stop; nobody waits for it to.
        lifetime.StopApplication();

        using (var ready = await host.Http.GetAsync("/health/ready")) Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        host.Time.Advance(TimeSpan.FromSeconds(2.9));
        var pending = host.Stream();
        var conversation = await host.Begun();
        host.Time.Advance(TimeSpan.FromSeconds(0.1));
        using (var refused = await host.Chat(GatewayHost.Body())) Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);

        await conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        using var response = await pending;
        Assert.Equal("x", string.Concat((await SseEvents.Read(response)).Select(e => e.Text)));
    }

    // The server may already have closed the idle connection.
    private static async Task<HttpStatusCode?> Try(GatewayHost host)
    {
        try
        {
            using var response = await host.Chat(GatewayHost.Body());
            return response.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }
}
