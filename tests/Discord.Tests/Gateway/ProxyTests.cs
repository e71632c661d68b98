using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Tests;

namespace CozeCluster.Discord.Tests;

public sealed class ProxyTests
{
    [Theory]
    [InlineData("socks5h")]
    [InlineData("http")]
    public async Task Gateway_is_reached_through_the_proxy(string scheme)
    {
        await using var server = await DiscordGatewayServer.Start();
        var port = new Uri(server.Url).Port;
        await using var proxy = scheme == "http" ? TinyProxy.Http(port) : TinyProxy.Socks(port);
        await using var rig = await DiscordGatewayRig.Start(o => o with
        {
            Proxy = UpstreamHandlers.ReadProxy($"{scheme}://user:p%40ss@127.0.0.1:{proxy.Port}", "listener 'a'"),
            Url = $"ws://gateway.invalid:{port}",
        });

        var peer = await server.Accept(rig.Timeout);
        await peer.Hello();
        await peer.Receive(2, rig.Timeout);
        await peer.Ready();
        await rig.Next<DiscordGatewayReady>();

        Assert.Equal([$"user:p@ss gateway.invalid:{port}"], proxy.Asked);
    }

    [Fact]
    public async Task Rest_is_reached_through_the_proxy()
    {
        await using var server = await RestServer.Start(RestServer.Respond("""{"id":"42"}"""));
        var port = new Uri(server.BaseUrl).Port;
        await using var proxy = TinyProxy.Socks(port);
        var web = UpstreamHandlers.ReadProxy($"socks5://user:secret@127.0.0.1:{proxy.Port}", "account 'a'");
        using var http = new HttpMessageInvoker(UpstreamHandlers.New(web));
        var options = new DiscordRestOptions("a", "token", DiscordTokenKind.Bot) { BaseUrl = "http://discord.invalid/api/v10" };
        using var rest = new DiscordRest(http, options, new InvalidRequestGuard(TimeProvider.System), TimeProvider.System, new LogLines());

        var user = await rest.GetCurrentUser(TestContext.Current.CancellationToken);

        Assert.Equal(new Snowflake(42), user.Id);
        Assert.Equal(["user:secret discord.invalid:80"], proxy.Asked);
        Assert.Equal("GET /api/v10/users/@me", Assert.Single(server.Requests).ToString());
    }
}
