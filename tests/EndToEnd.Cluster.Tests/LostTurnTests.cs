using System.Text.Json;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>
/// Turns that cannot be resumed. A silo that stops gives them time to end. The others end with an error: those that do not end in time, and those of a silo
/// that was killed.
/// </summary>
public sealed class LostTurnTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private NodeCluster _cluster = null!;

    private async Task StartAsync(string drainTime)
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().AddIsolatedModel("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        _cluster = await NodeCluster.StartAsync(
            _folder.Path, ["--fleet", fleet, "--durable-turns", "false", "--start-grace", "60s", "--drain-time", drainTime]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Turns_complete_when_their_silo_is_stopped_with_enough_drain_time()
    {
        await StartAsync(drainTime: "60s");
        var ended = await EndSiloAsync(silo => silo.StopAsync(TestTimeout.Token));

        Assert.All(ended, reply => Assert.Equal("stop", reply.FinishReason));
        Assert.Equal(_sandbox.Coze.Chats.Select(chat => Assert.Single(chat.Answers)).Order(), ended.Select(reply => reply.Text).Order());
    }

    [Fact]
    public async Task Turns_end_with_an_error_when_their_silo_is_stopped_with_too_little_drain_time()
    {
        await StartAsync(drainTime: "1s");
        var ended = await EndSiloAsync(silo => silo.StopAsync(TestTimeout.Token));

        Assert.All(Failed(ended), reply => Assert.Equal("shutting_down", reply.Error.Text("code")));
    }

    [Fact]
    public async Task Turns_have_an_unknown_outcome_when_their_silo_is_killed()
    {
        await StartAsync(drainTime: "1s");
        var ended = await EndSiloAsync(silo => silo.KillAsync());

        Assert.All(Failed(ended), reply => Assert.Equal("upstream_outcome_unknown", reply.Error.Text("code")));
    }

    private async Task<StreamedReply[]> EndSiloAsync(Func<NodeProcess, Task> end)
    {
        using var http = HttpRequests.CreateClient(_cluster.BaseUrl);
        var open = await Task.WhenAll(Enumerable.Range(1, 12).Select(async number =>
        {
            var reply = await new ChatRequest(http, _sandbox.Coze, "bot", $"chunks=400 pace=25ms seed={number}").OpenStreamAsync();
            await reply.ReadUntilAsync(soFar => soFar.Text.Length > 20, TestTimeout.Token);
            return reply;
        }));
        await end(await FindSiloWithTurnsAsync(http));
        return await Task.WhenAll(open.Select(reply => reply.ReadAllAsync(TestTimeout.Token)));
    }

    /// <summary>The cluster decides on which silo a conversation activates. One silo may have all conversations.</summary>
    private async Task<NodeProcess> FindSiloWithTurnsAsync(HttpClient http)
    {
        foreach (var silo in _cluster.Silos)
        {
            var metrics = await http.ReadMetricsAsync(silo.BaseUrl);
            if (metrics.Contains("cozecluster_turns_started_total{", StringComparison.Ordinal)) return silo;
        }
        throw new InvalidOperationException("No silo has a turn.");
    }

    private static List<StreamedReply> Failed(StreamedReply[] ended)
    {
        var failed = ended.Where(reply => reply.Error.ValueKind == JsonValueKind.Object).ToList();
        Assert.NotEmpty(failed);
        Assert.All(failed, reply => Assert.Null(reply.FinishReason));
        Assert.All(ended.Except(failed), reply => Assert.Equal("stop", reply.FinishReason));
        return failed;
    }
}
