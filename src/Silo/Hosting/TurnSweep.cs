using System.Threading.Channels;

namespace CozeCluster.Silo.Hosting;

/// <summary>Wakes turns that were running when their silo ended: at start, and when other silos of the cluster have gone. Runs in the background.</summary>
internal sealed partial class TurnSweep(IGrainFactory grains, SiloDepartures departures, ILogger<TurnSweep> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var gone = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watch = departures.Subscribe(() => gone.Writer.TryWrite(true));
        await Sweep(stoppingToken);
        await foreach (var _ in gone.Reader.ReadAllAsync(stoppingToken)) await Sweep(stoppingToken);
    }

    private async Task Sweep(CancellationToken stop)
    {
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards && !stop.IsCancellationRequested; shard++)
        {
            try
            {
                await grains.Grain<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep().WaitAsync(stop);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // Its reminder sweeps it later.
                NotSwept(e, shard);
            }
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Registry {Shard} of running turns was not swept")]
    private partial void NotSwept(Exception exception, int shard);
}
