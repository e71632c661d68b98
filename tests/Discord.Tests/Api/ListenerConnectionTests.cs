using System.Threading.Channels;
using CozeCluster.Upstreams.Tests;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Discord.Tests;

public sealed class ListenerConnectionTests
{
    [Theory]
    [InlineData("""{"id":"77"}""", 200, "ready")]
    [InlineData("no such route", 404, "ready")]
    [InlineData("""{"message":"Unknown Guild","code":10004}""", 404, "failed")]
    [InlineData("""{"message":"Missing Access","code":50001}""", 403, "failed")]
    public async Task Server_that_READY_does_not_contain_is_looked_up_over_rest(string answer, int status, string expected)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        stop.CancelAfter(TimeSpan.FromSeconds(30));
        await using var gateway = await DiscordGatewayServer.Start();
        await using var rest = await RestServer.Start((context, request) => request.Path == "/guilds/77"
            ? RestServer.Respond(answer, status)(context)
            : RestServer.Respond($$"""{"url":"{{gateway.Url}}","shards":1}""")(context));
        var seal = new TestSeal();
        using var api = new DiscordApi(seal, new TestBlobs(), TimeProvider.System, NullLogger<DiscordApi>.Instance);
        var listener = new ListenerDefinition { Id = "l1", BaseUrl = rest.BaseUrl, Token = seal.Seal("token"), GuildId = "77" };
        var health = Channel.CreateUnbounded<DiscordSessionHealth>();

        var connection = api.Connect(
            listener,
            0,
            Channel.CreateUnbounded<DiscordEvent>().Writer,
            state => health.Writer.TryWrite(state),
            _ => Task.CompletedTask,
            stop.Token);
        var peer = await gateway.Accept(stop.Token);
        await peer.Hello();
        // READY contains the servers 21 and 22.
        await peer.Ready();

        Assert.Equal(expected, await WaitForDecision());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connection);

        async Task<string> WaitForDecision()
        {
            await foreach (var state in health.Reader.ReadAllAsync(stop.Token))
            {
                if (state.State is "ready" or "failed") return state.State;
            }
            return "";
        }
    }
}
