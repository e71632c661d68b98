using System.Threading.Channels;

namespace CozeCluster.Silo.Hosting;

/// <summary>Wakes the turns that were running when their node went: at start, and when other nodes of the cluster go. Runs beside everything else.</summary>
internal sealed partial class TurnSweep(IGrains grains, ILogger<TurnSweep> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var gone = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watch = grains.OnNodesGone(() => gone.Writer.TryWrite(true));
        await Sweep(stoppingToken);
        await foreach (var _ in gone.Reader.ReadAllAsync(stoppingToken)) await Sweep(stoppingToken);
    }

    private async Task Sweep(CancellationToken stop)
    {
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards && !stop.IsCancellationRequested; shard++)
        {
            try
            {
                await grains.Get<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep().WaitAsync(stop);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Its reminder comes back to it.
                NotSwept(e, shard);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Registry {Shard} of running turns was not swept")]
    private partial void NotSwept(Exception exception, int shard);
}
