using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>A stored state without its content.</summary>
internal readonly record struct StoredAge(string Key, long Version, DateTimeOffset UpdatedAt);

/// <summary>What housekeeping needs of a storage.</summary>
internal interface IExpiringStore
{
    /// <summary>Deletes expired blobs.</summary>
    Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken);

    /// <summary>The next states of a name in the order of their keys; empty after the last one.</summary>
    Task<IReadOnlyList<StoredAge>> ReadAgesAsync(string stateName, string afterKey, CancellationToken cancellationToken);

    /// <summary>Deletes those of <paramref name="states"/> that still have the same version.</summary>
    Task DeleteAsync(string stateName, IReadOnlyList<StoredAge> states, CancellationToken cancellationToken);
}

/// <summary>
/// Deletes every ten minutes what has expired: blobs, and states past the retention of their name. Every silo does so; two that do it at once do no harm.
/// </summary>
internal sealed class Housekeeping(IExpiringStore store, IEnumerable<StateRetention> retentions, TimeProvider time, ILogger<Housekeeping> logger) : BackgroundService
{
    /// <summary>How many states one query reads, so that saves can run in between.</summary>
    public const int PageSize = 500;

    private static readonly TimeSpan Period = TimeSpan.FromMinutes(10);

    /// <summary>One round.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        await store.DeleteExpiredBlobsAsync(cancellationToken).ConfigureAwait(false);
        foreach (var retention in retentions) await ExpireAsync(retention, cancellationToken).ConfigureAwait(false);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, time);
        while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
        {
            try
            {
                await SweepAsync(stoppingToken).ConfigureAwait(false);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                Log.HousekeepingFailed(logger, e);
            }
        }
    }

    // A state that is saved meanwhile has another version and stays. A grain that is active all that time without a save gets a conflict from its next save.
    private async Task ExpireAsync(StateRetention retention, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        for (var after = ""; ;)
        {
            var page = await store.ReadAgesAsync(retention.StateName, after, cancellationToken).ConfigureAwait(false);
            if (page.Count == 0) return;
            after = page[^1].Key;
            var expired = page.Where(state => retention.KeptFor(state.Key) is { } kept && state.UpdatedAt + kept <= now).ToList();
            if (expired.Count > 0) await store.DeleteAsync(retention.StateName, expired, cancellationToken).ConfigureAwait(false);
        }
    }
}
