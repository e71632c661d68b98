using System.Threading.Channels;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Discord.Tests;

public sealed class ListeningTests
{
    [Theory]
    [InlineData("""{"id":"77"}""", 200, "ready")]
    [InlineData("no such route", 404, "ready")]
    [InlineData("""{"message":"Unknown Guild","code":10004}""", 404, "failed")]
    [InlineData("""{"message":"Missing Access","code":50001}""", 403, "failed")]
    public async Task Server_that_the_session_does_not_name_is_asked_for(string answer, int status, string expected)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(TimeSpan.FromSeconds(30));
        await using var gateway = await GatewayServer.Start();
        await using var rest = await RestServer.Start((context, request) => request.Path == "/guilds/77"
            ? RestServer.Answer(answer, status)(context)
            : RestServer.Answer($$"""{"url":"{{gateway.Url}}","shards":1}""")(context));
        var seal = new TestSeal();
        using var port = new DiscordApi(seal, new TestBlobs(), TimeProvider.System, NullLogger<DiscordApi>.Instance);
        var listener = new ListenerDefinition { Id = "l1", BaseUrl = rest.BaseUrl, Token = seal.Seal("token"), GuildId = "77" };
        var health = Channel.CreateUnbounded<DiscordSessionHealth>();

        var listening = port.Connect(listener, 0, Channel.CreateUnbounded<DiscordEvent>().Writer, one => health.Writer.TryWrite(one), _ => Task.CompletedTask, stop.Token);
        var peer = await gateway.Accept(stop.Token);
        await peer.Hello();
        // Its servers are 21 and 22.
        await peer.Ready();

        Assert.Equal(expected, await Settled());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);

        async Task<string> Settled()
        {
            await foreach (var one in health.Reader.ReadAllAsync(stop.Token))
            {
                if (one.State is "ready" or "failed") return one.State;
            }
            return "";
        }
    }
}
