using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>The named conversations of one tenant. Key: tenant id.</summary>
[Alias("conversation-index")]
public interface IConversationIndexGrain : IGrainWithStringKey
{
    /// <summary>Notes a conversation as it stands now; newer notes win.</summary>
    [Alias("Note"), AlwaysInterleave, Idempotent]
    Task Note(ConversationSummary summary);

    /// <summary>Forgets a conversation.</summary>
    [Alias("Forget"), AlwaysInterleave, Idempotent]
    Task Forget(string name);

    /// <summary>The conversations, most recently used first.</summary>
    /// <param name="after">Name of the last one already seen; null to begin.</param>
    /// <param name="limit">1 to 100.</param>
    [Alias("List"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<ConversationSummary>> List(string? after, int limit);
}
