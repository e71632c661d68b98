using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>
/// Counts the turns that have ended, once a minute and in small steps, between which turns are saved. Every silo does this; one at a time does it in a cluster.
/// </summary>
internal sealed partial class UsageService(IUsageCounter counter, TimeProvider time, ILogger<UsageService> logger) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await ExpirationService.RepeatAsync(counter.CountAsync, time, stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogCountFailed(logger, e);
            }
        }
    }

    [LoggerMessage(33, LogLevel.Warning, "Turns that have ended could not be counted; the next attempt is in a minute")]
    private static partial void LogCountFailed(ILogger logger, Exception exception);
}
