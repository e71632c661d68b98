using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// How everything in the fleet stands, for the whole cluster, and whom to tell when that changes. Grains tell it of changes only, never of single turns.
/// Key: <see cref="GrainKeys.Health"/>.
/// </summary>
[Alias("health")]
public interface IHealthGrain : IGrainWithStringKey
{
    /// <summary>Notes how something stands now.</summary>
    [Alias("Note"), AlwaysInterleave, Idempotent]
    Task Note(HealthEntry entry);

    /// <summary>An entry for everything in the fleet, ordered by kind and id; what has not told anything yet is <see cref="HealthState.Unknown"/>.</summary>
    [Alias("List"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<HealthEntry>> List();
}
