using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>
/// A storage whose content expires. Each step is a short transaction. It returns how many rows it has handled; fewer than its limit mean that nothing is left.
/// </summary>
internal interface IExpiringStore
{
    /// <summary>Deletes expired blobs.</summary>
    Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken);

    /// <summary>Deletes contents of turns whose time is over, at most <paramref name="limit"/>.</summary>
    Task<int> DeleteExpiredContentsAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes expired conversations, tombstones included: their heads and the contents of their turns. Their turns remain in the log only. Conversations are
    /// deleted whole, so the step ends after the conversation with which the number of heads and turns reaches <paramref name="limit"/>.
    /// </summary>
    Task<int> DeleteExpiredConversationsAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes turns that were accepted before <paramref name="createdBefore"/> and are not the history of a conversation, with their contents, at most
    /// <paramref name="limit"/>. Charged turns whose epoch is open stay (see <see cref="ILedgerStore"/>), and so do turns that are not counted yet.
    /// </summary>
    Task<int> DeleteOldTurnsAsync(DateTimeOffset createdBefore, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes entries of the audit log from before <paramref name="before"/>, and those that are more than <paramref name="max"/>: first those of tenants. At
    /// most <paramref name="limit"/>.
    /// </summary>
    Task<int> DeleteOldAuditAsync(DateTimeOffset before, int max, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Deletes usage of hours before <paramref name="before"/>, at most <paramref name="limit"/> rows, and when keys were last used that were not used since.
    /// </summary>
    Task<int> DeleteOldUsageAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken);

    /// <summary>Returns space that deleted content has left to the file system, if it is much and the database does not do it by itself.</summary>
    Task ShrinkAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>
/// Deletes what has expired, every ten minutes and in small steps, between which turns are saved. Every silo does this; two that do it at the same time do no
/// harm.
/// </summary>
internal sealed partial class ExpirationService(
    IExpiringStore store, TurnRetention retention, TimeProvider time, ILogger<ExpirationService> logger) : BackgroundService
{
    /// <summary>The number of rows that one transaction handles.</summary>
    public const int StepSize = 200;

    /// <summary>The time between two transactions, so that a turn rarely has to wait for one.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    /// <summary>Deletes everything that has expired now.</summary>
    public async Task DeleteExpiredAsync(CancellationToken cancellationToken)
    {
        await store.DeleteExpiredBlobsAsync(cancellationToken).ConfigureAwait(false);
        await RepeatAsync(store.DeleteExpiredContentsAsync, time, cancellationToken).ConfigureAwait(false);
        await RepeatAsync(store.DeleteExpiredConversationsAsync, time, cancellationToken).ConfigureAwait(false);
        var now = time.GetUtcNow();
        await RepeatAsync((limit, token) => store.DeleteOldTurnsAsync(now - retention.Log, limit, token), time, cancellationToken).ConfigureAwait(false);
        await RepeatAsync((limit, token) => store.DeleteOldUsageAsync(now - IUsageStore.Retention, limit, token), time, cancellationToken)
            .ConfigureAwait(false);
        await RepeatAsync((limit, token) => store.DeleteOldAuditAsync(now - IAuditLog.Lifetime, IAuditLog.MaxEntries, limit, token), time, cancellationToken)
            .ConfigureAwait(false);
        await store.ShrinkAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Repeats a step, with pauses, until nothing is left.</summary>
    public static async Task RepeatAsync(Func<int, CancellationToken, Task<int>> step, TimeProvider time, CancellationToken cancellationToken)
    {
        while (await step(StepSize, cancellationToken).ConfigureAwait(false) >= StepSize)
            await Task.Delay(Pause, time, cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await DeleteExpiredAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogDeleteFailed(logger, e);
            }
        }
    }

    [LoggerMessage(31, LogLevel.Warning, "Expired turns, conversations or blobs could not be deleted; the next attempt is in ten minutes")]
    private static partial void LogDeleteFailed(ILogger logger, Exception exception);
}
