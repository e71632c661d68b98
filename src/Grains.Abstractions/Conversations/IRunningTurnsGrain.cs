using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Remembers which conversations have a turn running, so that turns whose node died are woken. Key: <see cref="GrainKeys.RunningTurns"/>.
/// </summary>
[Alias("running-turns")]
public interface IRunningTurnsGrain : IGrainWithStringKey
{
    /// <summary>Remembers a conversation.</summary>
    /// <param name="conversationKey">The conversation.</param>
    /// <param name="atOnce">
    /// Durable when it returns. Else within a second: so most short turns never cost a write here. Should the node die in that second, the turn is woken by its own
    /// client or not at all, which is why turns that go on without a client ask for the former.
    /// </param>
    [Alias("Add"), AlwaysInterleave, Idempotent]
    Task Add(string conversationKey, bool atOnce);

    /// <summary>Forgets a conversation; need not be durable when it returns.</summary>
    [Alias("Remove"), AlwaysInterleave, Idempotent]
    Task Remove(string conversationKey);

    /// <summary>Wakes every conversation it remembers and forgets those with nothing to do. Called when a node starts, when another has gone, and by reminder.</summary>
    [Alias("Sweep"), AlwaysInterleave, Idempotent]
    Task Sweep();
}
