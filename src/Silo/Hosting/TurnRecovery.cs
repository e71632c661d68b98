using System.Threading.Channels;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Resumes the turns that were running on a silo when it failed. It runs in the background, when this node starts and when other silos of the cluster have
/// stopped or failed.
/// </summary>
internal sealed partial class TurnRecovery(IGrainFactory grains, SiloDepartures departures, ILogger<TurnRecovery> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One pending request is enough, however many silos fail during a run.
        var requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var subscription = departures.Subscribe(() => requests.Writer.TryWrite(true));
        await ResumeTurns(stoppingToken);
        await foreach (var _ in requests.Reader.ReadAllAsync(stoppingToken)) await ResumeTurns(stoppingToken);
    }

    private async Task ResumeTurns(CancellationToken stop)
    {
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards && !stop.IsCancellationRequested; shard++)
        {
            try
            {
                await grains.Grain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep().WaitAsync(stop);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The reminder of the grain retries later.
                LogFailed(e, shard);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "The turns in registry {Shard} of running turns could not be resumed. Its reminder retries later")]
    private partial void LogFailed(Exception exception, int shard);
}
