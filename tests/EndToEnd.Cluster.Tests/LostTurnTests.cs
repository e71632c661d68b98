using System.Text.Json;
using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Turns that cannot be found again at the far side: a silo that is stopped gives them time to end; those that do not, and those of one that died, say so.</summary>
public sealed class LostTurnTests : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private NodeCluster _cluster = null!;

    private async Task StartAsync(string drainTime)
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        _cluster = await NodeCluster.StartAsync(_folder.Path, ["--fleet", fleet, "--durable-turns", "false", "--start-grace", "60s", "--drain-time", drainTime]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null) await _cluster.DisposeAsync();
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Of_a_silo_that_is_stopped_they_end_whole_if_they_have_the_time()
    {
        await StartAsync(drainTime: "60s");
        var ended = await LoseSiloAsync(silo => silo.StopAsync(Ask.Patience));

        Assert.All(ended, reply => Assert.Equal("stop", reply.FinishReason));
        Assert.Equal(_sandbox.Coze.Chats.Select(chat => Assert.Single(chat.Answers)).Order(), ended.Select(reply => reply.Text).Order());
    }

    [Fact]
    public async Task Of_a_silo_that_is_stopped_they_end_in_band_if_they_do_not()
    {
        await StartAsync(drainTime: "1s");
        var ended = await LoseSiloAsync(silo => silo.StopAsync(Ask.Patience));

        Assert.All(Failed(ended), reply => Assert.Equal("shutting_down", reply.Error.Text("code")));
    }

    [Fact]
    public async Task Of_a_silo_that_died_nobody_can_tell()
    {
        await StartAsync(drainTime: "1s");
        var ended = await LoseSiloAsync(silo => silo.KillAsync());

        Assert.All(Failed(ended), reply => Assert.Equal("upstream_outcome_unknown", reply.Error.Text("code")));
    }

    private async Task<StreamedReply[]> LoseSiloAsync(Func<NodeProcess, Task> lose)
    {
        using var http = HttpCalls.Client(_cluster.BaseUrl);
        var open = await Task.WhenAll(Enumerable.Range(1, 12).Select(async number =>
        {
            var reply = await new Ask(http, _sandbox.Coze, "bot", $"chunks=400 pace=25ms seed={number}").OpenStreamAsync();
            await reply.UntilAsync(soFar => soFar.Text.Length > 20, Ask.Patience);
            return reply;
        }));
        await lose(await SiloWithTurnsAsync(http));
        return await Task.WhenAll(open.Select(reply => reply.ReadAllAsync(Ask.Patience)));
    }

    /// <summary>Where a conversation lives is the cluster's business: one silo may have them all.</summary>
    private async Task<NodeProcess> SiloWithTurnsAsync(HttpClient http)
    {
        foreach (var silo in _cluster.Silos)
        {
            var metrics = await http.GetStringAsync(new Uri(silo.BaseUrl, "/metrics"), Ask.Patience);
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
