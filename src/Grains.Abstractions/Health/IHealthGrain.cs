using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Stores the health of everything in the fleet, for the whole cluster, and notifies operators of changes. Grains report changes of their health, not every
/// turn. Key: <see cref="GrainKeys.Health"/>.
/// </summary>
[Alias("health")]
public interface IHealthGrain : IGrainWithStringKey
{
    /// <summary>Stores the current health of a bot, account or listener.</summary>
    [Alias("Note"), AlwaysInterleave, Idempotent]
    Task Report(HealthEntry entry);

    /// <summary>
    /// Lists an entry for everything in the fleet, ordered by kind and id. The state of something that has not reported yet is
    /// <see cref="HealthState.Unknown"/>.
    /// </summary>
    [Alias("List"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<HealthEntry>> List();
}
