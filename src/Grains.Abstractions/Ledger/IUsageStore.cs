namespace CozeCluster;

/// <summary>
/// Usage by hour, kept for <see cref="Retention"/>. A turn is counted once, when its end is stored, in the hour in which it was accepted. Silos have it;
/// gateways ask an <see cref="IUsageGrain"/>. Thread-safe.
/// </summary>
public interface IUsageStore
{
    /// <summary>How long usage is kept.</summary>
    static TimeSpan Retention { get; } = TimeSpan.FromDays(90);

    /// <summary>
    /// Reads usage, ordered by period, tenant, key, user, model, bot and account (ordinal). All ends of turns that are stored are included. Without groups
    /// there is exactly one row.
    /// </summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    Task<IReadOnlyList<UsageRow>> Read(UsageQuery query, CancellationToken cancellationToken);

    /// <summary>
    /// Reads when the last turn of each API key of a tenant was accepted, by the name of the key. A turn is included about a minute after its end. A key that
    /// was not used for <see cref="Retention"/> is missing.
    /// </summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId, CancellationToken cancellationToken);
}
