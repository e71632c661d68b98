using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Answers gateways from the <see cref="IUsageStore"/>, which only silos have. It answers one call at a time in each silo. Key: <see cref="GrainKeys.Usage"/>.
/// </summary>
[Alias("usage-reader")]
public interface IUsageGrain : IGrainWithStringKey
{
    /// <summary>See <see cref="IUsageStore.Read"/>. A limit that is out of range is replaced by the nearest that is not.</summary>
    [Alias("Read"), Idempotent]
    Task<IReadOnlyList<UsageRow>> Read(UsageQuery query);

    /// <summary>See <see cref="IUsageStore.ReadLastUsed"/>.</summary>
    [Alias("ReadLastUsed"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId);
}
