using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Activates conversations with turns that have not ended, so that they resume these turns. One for the cluster. Key: <see cref="GrainKeys.TurnRecovery"/>.
/// </summary>
[Alias("turn-recovery")]
public interface ITurnRecoveryGrain : IGrainWithStringKey
{
    /// <summary>
    /// Calls <see cref="IConversationGrain.Wake"/> of every conversation with a turn that has not ended. Returns when all have answered. A conversation that
    /// cannot be activated is logged and does not affect the others.
    /// </summary>
    /// <param name="minimumAge">
    /// Only turns that were accepted at least this long ago count. Zero: all turns, for callers that know that a silo has started, stopped or failed. A call
    /// with another age returns at once if a sweep of the last half of that time has ended.
    /// </param>
    /// <exception cref="ClusterException">The storage failed.</exception>
    [Alias("Sweep"), AlwaysInterleave, Idempotent, ResponseTimeout("00:05:00")]
    Task Sweep(TimeSpan minimumAge);
}
