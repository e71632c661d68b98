namespace CozeCluster.Silo.Hosting;

/// <summary>At start, wakes the turns that were running when their node died. Runs beside everything else.</summary>
internal sealed partial class TurnSweep(IGrains grains, ILogger<TurnSweep> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var shard = 0; shard < GrainKeys.RunningTurnsShards && !stoppingToken.IsCancellationRequested; shard++)
        {
            try
            {
                await grains.Get<IRunningTurnsGrain>(GrainKeys.RunningTurnsShard(shard)).Sweep();
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
