using System.Text.Json;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Turns that cannot be found again at the far side end with their silo, and say so.</summary>
public sealed class LostTurnTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private NodeCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        _cluster = await NodeCluster.StartAsync(_folder.Path, ["--fleet", fleet, "--durable-turns", "false", "--start-grace", "60s", "--drain-time", "1s"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_ends_whole_or_with_an_error(bool killed)
    {
        using var http = HttpCalls.Client(_cluster.BaseUrl);
        var open = await Task.WhenAll(Enumerable.Range(1, 8).Select(async number =>
        {
            var reply = await new Ask(http, _sandbox.Coze, "bot", $"chunks=200 pace=25ms seed={number}").OpenStreamAsync();
            await reply.UntilAsync(soFar => soFar.Text.Length > 20, Ask.Patience);
            return reply;
        }));
        if (killed) await _cluster.Silos[0].KillAsync();
        else await _cluster.Silos[0].StopAsync(Ask.Patience);

        var ended = await Task.WhenAll(open.Select(reply => reply.ReadAllAsync(Ask.Patience)));
        var failed = ended.Where(reply => reply.Error.ValueKind == JsonValueKind.Object).ToList();
        Assert.NotEmpty(failed);
        Assert.All(ended.Except(failed), reply => Assert.Equal("stop", reply.FinishReason));
        Assert.All(failed, reply => Assert.Null(reply.FinishReason));
        Assert.All(failed, reply => Assert.Contains(reply.Error.Text("code")!, new[] { "shutting_down", "upstream_outcome_unknown" }));
    }
}
