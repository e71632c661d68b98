using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>A stored state without its content.</summary>
internal readonly record struct StoredStateInfo(string Key, long Version, DateTimeOffset UpdatedAt);

/// <summary>A storage whose content expires.</summary>
internal interface IExpiringStore
{
    /// <summary>Deletes expired blobs.</summary>
    Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken);

    /// <summary>Reads the next states of a name, ordered by key; none after the last one.</summary>
    Task<IReadOnlyList<StoredStateInfo>> ReadStateInfosAsync(string stateName, string afterKey, CancellationToken cancellationToken);

    /// <summary>Deletes those of <paramref name="states"/> that still have the same version.</summary>
    Task DeleteStatesAsync(string stateName, IReadOnlyList<StoredStateInfo> states, CancellationToken cancellationToken);

    /// <summary>Returns space that deleted content has left to the file system, if it is much and the database does not do it by itself.</summary>
    Task ShrinkAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

/// <summary>
/// Deletes expired blobs, and states that are older than the retention of their name, every ten minutes. Every silo does this; two that do it at the same time
/// do no harm.
/// </summary>
internal sealed partial class ExpirationService(
    IExpiringStore store, IEnumerable<StateRetention> retentions, TimeProvider time, ILogger<ExpirationService> logger) : BackgroundService
{
    /// <summary>The number of states that one query reads. Saves can run between two queries.</summary>
    public const int PageSize = 500;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    /// <summary>Deletes everything that has expired now.</summary>
    public async Task DeleteExpiredAsync(CancellationToken cancellationToken)
    {
        await store.DeleteExpiredBlobsAsync(cancellationToken).ConfigureAwait(false);
        foreach (var retention in retentions) await DeleteExpiredStatesAsync(retention, cancellationToken).ConfigureAwait(false);
        await store.ShrinkAsync(cancellationToken).ConfigureAwait(false);
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

    // A state that is saved meanwhile has another version and is not deleted. A grain that was active without a save for the whole retention gets a conflict
    // when it saves next.
    private async Task DeleteExpiredStatesAsync(StateRetention retention, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        for (var after = ""; ;)
        {
            var page = await store.ReadStateInfosAsync(retention.StateName, after, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0) return;
            after = page[^1].Key;
            var expired = page.Where(state => retention.KeptFor(state.Key) is { } kept && state.UpdatedAt + kept <= now).ToList();
            if (expired.Count > 0) await store.DeleteStatesAsync(retention.StateName, expired, cancellationToken).ConfigureAwait(false);
        }
    }

    [LoggerMessage(31, LogLevel.Warning, "Expired states or blobs could not be deleted; the next attempt is in ten minutes")]
    private static partial void LogDeleteFailed(ILogger logger, Exception exception);
}
