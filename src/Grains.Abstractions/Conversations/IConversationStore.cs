namespace CozeCluster;

/// <summary>
/// Stores conversations as rows: a head for each named conversation, a row for each turn, and the contents of turns. The rows of turns are at the same time
/// the history of a conversation, the index of a tenant's conversations, and the log of all requests (<see cref="ITurnLog"/>). Only conversation grains write.
/// Thread-safe.
/// </summary>
/// <remarks>
/// Every row has a version. A commit that expects another version than the stored one changes nothing: when two activations of one conversation exist at the
/// same time, one of them loses. A conversation without a name has no head as long as it has one turn; the version of the turn's row protects it.
/// </remarks>
public interface IConversationStore
{
    /// <summary>
    /// Creates an id for a new row of a turn. Ids are unique in the storage and increase with time (<see cref="TurnRowId"/>), so their order is the order in
    /// which the turns were accepted, apart from differences between the clocks of nodes.
    /// </summary>
    long NewTurnRowId();

    /// <summary>Reads what an activation needs to continue a conversation. The cost does not depend on the number of its turns.</summary>
    /// <returns>Null if nothing is stored under this key.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/> or <see cref="ErrorCode.CallRejected"/>: the storage failed.</exception>
    ValueTask<StoredConversation?> Load(string conversationKey, CancellationToken cancellationToken);

    /// <summary>Finds a turn that belongs to a conversation, with its contents.</summary>
    /// <returns>Null if the conversation has no such turn.</returns>
    /// <exception cref="ClusterException">As for <see cref="Load"/>.</exception>
    ValueTask<StoredTurn?> FindTurn(string conversationKey, string turnId, CancellationToken cancellationToken);

    /// <summary>Reads the last turns that belong to a conversation, oldest first, with their prompts and replies.</summary>
    /// <param name="conversationKey">The conversation.</param>
    /// <param name="limit">The largest number of turns, 1 to 1000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ClusterException">As for <see cref="Load"/>.</exception>
    ValueTask<IReadOnlyList<StoredTurn>> ReadTurns(string conversationKey, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Writes everything in <paramref name="commit"/> in one transaction, or nothing. A commit that has begun is never cancelled, because its outcome would be
    /// unknown. When the task completes, the commit survives the process. Everything is read from the arguments before the method returns.
    /// </summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: another activation has written. <see cref="ErrorCode.Draining"/>: the storage is closed. Another code: the
    /// storage failed.
    /// </exception>
    /// <exception cref="EpochClosedException">Nothing was written: a new row has a charge whose epoch is closed.</exception>
    Task Commit(ConversationCommit commit);

    /// <summary>
    /// Deletes a conversation: its head becomes a tombstone for an hour (<see cref="ConversationHead.IsDeleted"/>), its contents are deleted, and its turns
    /// remain in the log only. This also works if rows of the conversation cannot be read. An unknown conversation is not an error.
    /// </summary>
    /// <exception cref="ClusterException">As for <see cref="Commit"/>, but never <see cref="ErrorCode.StateConflict"/>.</exception>
    Task Delete(string conversationKey);
}

/// <summary>What an activation of a conversation reads first.</summary>
/// <param name="Head">The head; null for a conversation without a name that has one turn. It may be a tombstone.</param>
/// <param name="HeadVersion">The version of the head; 0 without one.</param>
/// <param name="Unfinished">The turns that have not ended, oldest first, with their contents.</param>
/// <param name="Last">The last turn that belongs to the conversation, without contents; null if there is none.</param>
/// <param name="LastWithHandle">The last turn whose <see cref="TurnRow.Handle"/> is set, without contents; null if there is none.</param>
public sealed record StoredConversation(ConversationHead? Head, long HeadVersion, IReadOnlyList<StoredTurn> Unfinished, TurnRow? Last, TurnRow? LastWithHandle);

/// <summary>A row of a turn with its contents.</summary>
public sealed record StoredTurn(TurnRow Row, IReadOnlyList<TurnContent> Contents)
{
    /// <summary>The content of a kind; null if it is not stored, or is not stored any more.</summary>
    public TurnContent? Find(TurnContentKind kind)
    {
        foreach (var content in Contents)
        {
            if (content.Kind == kind) return content;
        }
        return null;
    }
}

/// <summary>What one transaction writes for one conversation.</summary>
/// <param name="ConversationKey">The key of the conversation grain.</param>
public sealed record ConversationCommit(string ConversationKey)
{
    /// <summary>The new content of the head; null: the head is neither written nor checked.</summary>
    public ConversationHead? Head { get; init; }

    /// <summary>
    /// The version of the head that this commit replaces; 0: the conversation has no head yet. The new version is <see cref="NextHeadVersion"/>.
    /// </summary>
    public long ExpectedHeadVersion { get; init; }

    /// <summary>
    /// The version that the head gets. A head that was deleted and is created again must not get a version that another activation still expects, so the first
    /// version is random (<see cref="ConversationHead.NewVersion"/>), and later ones are one higher.
    /// </summary>
    public long NextHeadVersion { get; init; }

    /// <summary>The turns that have changed.</summary>
    public IReadOnlyList<TurnChange> Turns { get; init; } = [];

    /// <summary>
    /// How many turns leave the conversation: the oldest ones that have ended. Their contents are deleted, and their rows remain in the log only. Default 0.
    /// </summary>
    public int RemoveOldest { get; init; }

    /// <summary>Turns that leave the conversation in the same way, by the ids of their rows; most commits have none.</summary>
    public IReadOnlyList<long> Remove { get; init; } = [];
}

/// <summary>A new or changed row of a turn, and contents that are written with it.</summary>
/// <param name="Row">
/// The row as it is to be stored, with its new version. The stored row must have the version before it; version 1 is a new row. A change does not store what
/// was known when the turn was accepted: its turn id, tenant, API key, user, model and time, and the epoch and day of its charge. The arrays in a row are never
/// changed.
/// </param>
/// <param name="Contents">The contents to write. A stored content of the same kind is replaced; one without bytes is deleted.</param>
public readonly record struct TurnChange(TurnRow Row, IReadOnlyList<TurnContent> Contents);
