using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// A registry of conversations that have a running turn. It activates them again when their silo has stopped or failed, so that they resume their turns.
/// Key: <see cref="GrainKeys.RunningTurns"/>.
/// </summary>
[Alias("running-turns")]
public interface IRunningTurnsGrain : IGrainWithStringKey
{
    /// <summary>Adds a conversation.</summary>
    /// <param name="conversationKey">The conversation.</param>
    /// <param name="atOnce">
    /// True: the entry is saved before the call returns. False: it is saved within a second, so most short turns are removed before they cost a write. If the
    /// node fails within that second, only the turn's own client can resume it. Therefore turns that continue without a client pass true.
    /// </param>
    [Alias("Add"), AlwaysInterleave, Idempotent]
    Task Add(string conversationKey, bool atOnce);

    /// <summary>Removes a conversation. The removal may be saved later.</summary>
    [Alias("Remove"), AlwaysInterleave, Idempotent]
    Task Remove(string conversationKey);

    /// <summary>
    /// Calls <see cref="IConversationGrain.Wake"/> of every listed conversation, and removes those without a queued or running turn. Called when a node starts,
    /// when another node has stopped or failed, and by a reminder.
    /// </summary>
    [Alias("Sweep"), AlwaysInterleave, Idempotent]
    Task Sweep();
}
