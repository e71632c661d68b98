using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>The list of one tenant's named conversations. Key: tenant id.</summary>
[Alias("conversation-index")]
public interface IConversationIndexGrain : IGrainWithStringKey
{
    /// <summary>Adds or updates a conversation. A summary that is older than the known one is ignored.</summary>
    [Alias("Note"), AlwaysInterleave, Idempotent]
    Task Update(ConversationSummary summary);

    /// <summary>Removes a conversation.</summary>
    [Alias("Forget"), AlwaysInterleave, Idempotent]
    Task Remove(string name);

    /// <summary>Lists the conversations, most recently used first.</summary>
    /// <param name="after">The name of the last conversation of the previous page; null for the first page.</param>
    /// <param name="limit">1 to 100.</param>
    [Alias("List"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<ConversationSummary>> List(string? after, int limit);
}

/// <summary>A conversation as lists show it.</summary>
/// <param name="Name">The client's name for it.</param>
/// <param name="Title">The title that people see; null until the conversation is renamed.</param>
/// <param name="CreatedAt">When it was first used.</param>
/// <param name="LastUsedAt">When a turn last began or ended.</param>
/// <param name="Turns">The number of turns it holds.</param>
[GenerateSerializer, Immutable, Alias("conversation-summary")]
public sealed record ConversationSummary(string Name, string? Title, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, int Turns);
