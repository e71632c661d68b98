using System.Threading.Channels;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Resumes the turns that were running on a silo when it failed. It looks for all of them when this node starts and when other silos of the cluster have
/// stopped or failed. Every minute it looks for those that have been running for longer than that, in case an earlier attempt failed.
/// </summary>
internal sealed partial class TurnRecovery(IGrainFactory grains, SiloDepartures departures, TimeProvider time, ILogger<TurnRecovery> logger)
    : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    private bool _hasDeparture;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // One pending request is enough, however many silos fail during a sweep.
        var requests = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var subscription = departures.Subscribe(() =>
        {
            Volatile.Write(ref _hasDeparture, true);
            requests.Writer.TryWrite(true);
        });
        using var timer = time.CreateTimer(_ => requests.Writer.TryWrite(true), null, Period, Period);
        await Sweep(TimeSpan.Zero, stoppingToken);
        await foreach (var _ in requests.Reader.ReadAllAsync(stoppingToken))
        {
            await Sweep(Interlocked.Exchange(ref _hasDeparture, false) ? TimeSpan.Zero : Period, stoppingToken);
        }
    }

    private async Task Sweep(TimeSpan minimumAge, CancellationToken stop)
    {
        try
        {
            await grains.Grain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery).Sweep(minimumAge).WaitAsync(stop);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogFailed(e);
        }
    }

    [LoggerMessage(1, LogLevel.Warning, "Turns that have not ended could not be looked for. The next attempt is within a minute")]
    private partial void LogFailed(Exception exception);
}
