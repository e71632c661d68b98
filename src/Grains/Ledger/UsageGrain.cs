using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Reads usage for gateways. A query may read many rows, so each tenant has one reader in each silo, and so have operators.</summary>
[GrainType("usage-reader"), StatelessWorker(1)]
public sealed class UsageGrain(IUsageStore store) : Grain, IUsageGrain
{
    /// <inheritdoc />
    public Task<IReadOnlyList<UsageRow>> Read(UsageQuery query) =>
        store.Read(query with { Limit = Math.Clamp(query.Limit, 1, UsageQuery.MaxLimit) }, CancellationToken.None);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId) => store.ReadLastUsed(tenantId, CancellationToken.None);
}
