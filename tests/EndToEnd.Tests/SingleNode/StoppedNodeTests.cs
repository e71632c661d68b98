using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.SingleNode;

/// <summary>A single node that is asked to stop while a turn runs that cannot be found again at the upstream.</summary>
public sealed class StoppedNodeTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private NodeProcess _node = null!;

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("60s", null)]
    [InlineData("1s", "shutting_down")]
    public async Task It_ends_whole_within_the_drain_time_or_in_band(string drainTime, string? error)
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        _node = await NodeProcess.StartAsync(_folder.Path, ["--fleet", fleet, "--durable-turns", "false", "--drain-time", drainTime], null);
        using var http = HttpCalls.Client(_node.BaseUrl);
        var ask = new Ask(http, _sandbox.Coze, "bot", error is null ? "chunks=60 pace=25ms" : "chunks=4000 pace=25ms");
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(soFar => soFar.Text.Length > 0, Ask.Patience);

        var stopping = _node.StopAsync(Ask.Patience);
        var reply = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal(0, await stopping);
        if (error is null) Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text);
        else Assert.Equal((error, null), (reply.Error.Text("code"), reply.FinishReason));
        // Nothing is left open there.
        await ask.WaitForChatAsync(chat => chat.Ended);
    }
}
