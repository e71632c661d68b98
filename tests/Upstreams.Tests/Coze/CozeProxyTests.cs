namespace CozeCluster.Upstreams.Tests.Coze;

public sealed class CozeProxyTests
{
    private static readonly string Hello = Wire.Created + Wire.Delta("Hello") + Wire.MessageCompleted("answer", "Hello") + Wire.Completed;

    [Theory]
    [InlineData("socks5")]
    [InlineData("socks5h")]
    public async Task Open_ThroughSocks5_SendsHostNameAndCredentials(string scheme)
    {
        await using var server = await WireServer.Start(Hello, "text/event-stream");
        await using var proxy = TinyProxy.Socks(server.Port);
        using var rig = new CozeRig("http://coze.test:81");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal($"{scheme}://ann:p%40ss@127.0.0.1:{proxy.Port}") };

        Assert.Equal("Hello", (await rig.Run(rig.Turn("Hi"))).Answer);

        Assert.Equal(["ann:p@ss coze.test:81"], proxy.Asked);
        Assert.Equal("coze.test:81", server.Requests.Single().Headers["Host"]);
    }

    [Fact]
    public async Task Open_ThroughAnHttpProxy_SendsProxyCredentialsOnlyToTheProxy()
    {
        await using var server = await WireServer.Start(Hello, "text/event-stream");
        await using var proxy = TinyProxy.Http(server.Port);
        using var rig = new CozeRig("http://coze.test");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal($"http://ann:p%40ss@127.0.0.1:{proxy.Port}/") };

        Assert.Equal("Hello", (await rig.Run(rig.Turn("Hi"))).Answer);

        Assert.Equal(["ann:p@ss http://coze.test/v3/chat"], proxy.Asked);
        Assert.Equal("Bearer pat_sandbox", server.Requests.Single().Authorization);
    }

    [Fact]
    public async Task Open_TlsThroughAnHttpProxy_UsesATunnel()
    {
        await using var server = await WireServer.Start(Hello, "text/event-stream");
        await using var proxy = TinyProxy.Http(server.Port);
        using var rig = new CozeRig("https://coze.test");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal($"http://ann:secret@127.0.0.1:{proxy.Port}") };

        // The server behind the tunnel does not support TLS.
        var error = await rig.OpenThrows(rig.Turn("Hi"));

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
        Assert.Equal(["ann:secret coze.test:443"], proxy.Asked);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Open_UnreachableProxy_IsUnavailableWithoutItsSecret()
    {
        using var rig = new CozeRig("http://coze.test");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal("http://ann:hunter22@127.0.0.1:1") };

        var error = await rig.OpenThrows(rig.Turn("Hi"));

        Assert.Equal(ErrorCode.UpstreamUnavailable, error.Code);
        Assert.DoesNotContain("hunter22", error + rig.Logger.Text);
        Assert.DoesNotContain("127.0.0.1", error.Message);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("ftp://127.0.0.1:1")]
    public async Task Open_InvalidProxy_NamesTheValidSchemes(string proxy)
    {
        using var rig = new CozeRig("http://coze.test");
        rig.Account = rig.Account with { Proxy = rig.Seal.Seal(proxy) };

        Assert.Contains("socks5://", (await rig.OpenThrows(rig.Turn("Hi"))).Message);
    }

    [Fact]
    public async Task Open_DifferentProxies_DoNotShareConnections()
    {
        await using var server = await WireServer.Start(Hello, "text/event-stream");
        await using var one = TinyProxy.Socks(server.Port);
        await using var two = TinyProxy.Socks(server.Port);
        using var rig = new CozeRig("http://coze.test");

        foreach (var proxy in new[] { one, two, one })
        {
            rig.Account = rig.Account with { Proxy = rig.Seal.Seal($"socks5://a:b@127.0.0.1:{proxy.Port}") };
            await rig.Run(rig.Turn("Hi"));
        }

        Assert.NotEmpty(one.Asked);
        Assert.Single(two.Asked);
    }
}
