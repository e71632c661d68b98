namespace CozeCluster;

/// <summary>
/// The conversations that clients of the older system Coze-Discord-Bridge have created: there, a conversation has a number and a name, and the name changes.
/// Here, a conversation is found by a name that never changes. Key: tenant id.
/// </summary>
[Alias("bridge-conversations")]
public interface IBridgeConversationsGrain : IGrainWithStringKey
{
    /// <summary>The largest number of conversations of a tenant: as many as a server of Discord has channels.</summary>
    const int MaxConversations = 500;

    /// <summary>The largest number of characters in a name.</summary>
    const int MaxNameLength = 100;

    /// <summary>Creates a conversation.</summary>
    /// <param name="id">Decimal digits, created by the caller. A second call with the same id returns the conversation as it is.</param>
    /// <param name="name">Its name, 1 to <see cref="MaxNameLength"/> characters.</param>
    /// <returns>The conversation; null if another one has this name.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.RateLimited"/>: the tenant has <see cref="MaxConversations"/>. <see cref="ErrorCode.InvalidRequest"/>: the name is not valid. Or
    /// the storage failed.
    /// </exception>
    [Alias("Create"), Idempotent]
    Task<BridgeConversation?> Create(string id, string name);

    /// <summary>Finds a conversation by its name, or else by its id; null if there is none.</summary>
    [Alias("Find"), Idempotent]
    Task<BridgeConversation?> Find(string nameOrId);

    /// <summary>Changes the name of a conversation.</summary>
    /// <returns>The conversation; null if another one has the new name.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: there is no conversation with this id. <see cref="ErrorCode.InvalidRequest"/>: the name is not valid. Or the storage
    /// failed.
    /// </exception>
    [Alias("Rename"), Idempotent]
    Task<BridgeConversation?> Rename(string id, string newName);

    /// <summary>Removes a conversation from the list. What was said in it is not deleted here. An unknown id is not an error.</summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    [Alias("Remove"), Idempotent]
    Task Remove(string id);

    /// <summary>Lists the conversations in the order in which they were created.</summary>
    [Alias("List"), Idempotent]
    Task<IReadOnlyList<BridgeConversation>> List();
}

/// <summary>A conversation of a client of Coze-Discord-Bridge.</summary>
/// <param name="Id">What the client calls its channel: decimal digits. It never changes.</param>
/// <param name="Name">What the client calls it. It changes when the client renames it.</param>
/// <param name="ConversationName">The name of the conversation everywhere else. It never changes.</param>
[GenerateSerializer, Immutable, Alias("bridge-conversation")]
public sealed record BridgeConversation(string Id, string Name, string ConversationName);
