using System.Net;
using CozeCluster.Gateway.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace CozeCluster.Gateway.Tests.Surfaces.Health;

public sealed class DrainTests
{
    [Fact]
    public async Task Node_that_stops_finishes_replies_and_accepts_no_new_turns()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;
        // Opens two idle connections, because the server closes its port at once.
        await Task.WhenAll(host.Http.GetAsync("/health/live"), host.Http.GetAsync("/health/live"));

        var stopping = host.Stop();
        await Until.True(() => LifetimeOf(host).ApplicationStopping.IsCancellationRequested);

        var rejected = await TryChat(host);
        Assert.True(rejected is null or HttpStatusCode.ServiceUnavailable, $"{rejected}");
        await conversation.Post(new Cursor(0, 2), Reply.Text("y", offset: 1), Reply.Stop());
        var events = await SseReader.ReadAll(response);
        Assert.Equal("xy", string.Concat(events.Select(e => e.Text)));
        await stopping.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Single(host.Grains.Conversations);
    }

    [Fact]
    public async Task Node_with_drain_notice_accepts_turns_while_it_reports_that_it_is_not_ready()
    {
        await using var host = await GatewayHost.Start(options => options.DrainNotice = TimeSpan.FromSeconds(3));
        LifetimeOf(host).StopApplication();

        using (var ready = await host.Http.GetAsync("/health/ready")) Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        host.Time.Advance(TimeSpan.FromSeconds(2.9));
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        host.Time.Advance(TimeSpan.FromSeconds(0.1));
        using (var rejected = await host.Chat(GatewayHost.Body())) Assert.Equal(HttpStatusCode.ServiceUnavailable, rejected.StatusCode);

        await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        using var response = await pending;
        Assert.Equal("x", string.Concat((await SseReader.ReadAll(response)).Select(e => e.Text)));
    }

    private static IHostApplicationLifetime LifetimeOf(GatewayHost host) => host.Services.GetRequiredService<IHostApplicationLifetime>();

    /// <returns>The status; null if the server has already closed the idle connection.</returns>
    private static async Task<HttpStatusCode?> TryChat(GatewayHost host)
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
