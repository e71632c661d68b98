namespace CozeCluster.Sandbox.Tests;

public sealed class SandboxServerTests
{
    [Fact]
    public async Task StartAsync_PortZero_ListensOnAFreeLoopbackPort()
    {
        await using var server = await SandboxServer.StartAsync(new SandboxOptions(), TestContext.Current.CancellationToken);
        using var http = new HttpClient { BaseAddress = server.BaseUrl };

        Assert.True(server.BaseUrl.IsLoopback);
        Assert.NotEqual(0, server.BaseUrl.Port);
        Assert.NotEmpty(await http.GetByteArrayAsync("coze/sandbox/image.png", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task StartAsync_PortInUse_Throws()
    {
        await using var first = await SandboxServer.StartAsync(new SandboxOptions(), TestContext.Current.CancellationToken);

        await Assert.ThrowsAsync<IOException>(() =>
            SandboxServer.StartAsync(new SandboxOptions { Port = first.BaseUrl.Port }, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task DisposeAsync_WithOpenStreams_EndsAtOnce()
    {
        var server = await SandboxServer.StartAsync(new SandboxOptions(), TestContext.Current.CancellationToken);
        server.Coze.Script("stall_after=1");
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("Authorization", "Bearer pat_sandbox");
        var body = new StringContent("""{"bot_id":"7350000000000000001","user_id":"u","stream":true,"additional_messages":[{"role":"user","content":"hi"}]}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(server.BaseUrl, "coze/v3/chat")) { Content = body };
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);

        await server.DisposeAsync();

        await Assert.ThrowsAnyAsync<Exception>(() => http.GetAsync(new Uri(server.BaseUrl, "coze/sandbox/image.png"), TestContext.Current.CancellationToken));
    }
}
