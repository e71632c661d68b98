using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Conversations, turns and their contents as rows of the SQLite file.</summary>
internal sealed class SqliteConversationStore(SqliteStore store, TimeProvider time) : IConversationStore, ITurnLog
{
    // A page, and one row more that shows whether there is another page.
    private const int MaxRows = 1001;

    // One process writes to the file. The number protects its ids from those of the process before it, should the clock have been set back since.
    private readonly TurnRowId _ids = new(Random.Shared.Next(1 << 10), time);

    public long NewTurnRowId() => _ids.Next();

    public ValueTask<StoredConversation?> Load(string conversationKey, CancellationToken cancellationToken) =>
        new(Read(reads => reads.Load(conversationKey), cancellationToken));

    public ValueTask<StoredTurn?> FindTurn(string conversationKey, string turnId, CancellationToken cancellationToken) =>
        new(Read(reads => reads.FindTurn(conversationKey, turnId), cancellationToken));

    public ValueTask<IReadOnlyList<StoredTurn>> ReadTurns(string conversationKey, int limit, CancellationToken cancellationToken) =>
        new(Read(reads => reads.ReadTurns(conversationKey, Verify(limit)), cancellationToken));

    public Task Commit(ConversationCommit commit) => CommitAsync(new SqliteCommit(commit));

    public Task Delete(string conversationKey) => store.Write(write => write.Turns.Delete(conversationKey));

    public ValueTask<IReadOnlyList<ConversationHead>> ListConversations(
        string tenantId, string? afterKey, int limit, CancellationToken cancellationToken) =>
        new(Read(reads => reads.List(tenantId, afterKey, Verify(limit)), cancellationToken));

    public ValueTask<IReadOnlyList<TurnRow>> Search(TurnQuery query, CancellationToken cancellationToken)
    {
        Verify(query.Limit);
        return new(Read(reads => reads.Search(query), cancellationToken));
    }

    public ValueTask<IReadOnlyList<string>> ReadUnfinished(DateTimeOffset createdBefore, string afterKey, int limit, CancellationToken cancellationToken) =>
        new(Read(reads => reads.ReadUnfinished(TurnRowId.At(createdBefore), afterKey, Verify(limit)), cancellationToken));

    private static int Verify(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxRows);
        return limit;
    }

    private async Task CommitAsync(SqliteCommit commit)
    {
        if (await store.Write(write => write.Turns.Commit(commit)).ConfigureAwait(false)) return;
        throw commit.IsEpochClosed ? new EpochClosedException() : StorageErrors.Conflict(commit.Key);
    }

    private T Read<T>(Func<SqliteTurnReads, T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return store.Read(reader => read(reader.Turns));
        }
        catch (SqliteException e)
        {
            throw StorageErrors.ReadFailed(e);
        }
    }
}

/// <summary>A commit that waits for its transaction: a copy, because the caller may change the lists and the bytes of contents meanwhile.</summary>
internal sealed class SqliteCommit
{
    public SqliteCommit(ConversationCommit commit)
    {
        Key = commit.ConversationKey;
        Head = commit.Head;
        ExpectedHeadVersion = commit.ExpectedHeadVersion;
        NextHeadVersion = commit.NextHeadVersion;
        Turns = commit.Turns.Count == 0 ? [] : new TurnRow[commit.Turns.Count];
        Remove = [.. commit.Remove];
        RemoveOldest = commit.RemoveOldest;
        var contents = 0;
        for (var i = 0; i < Turns.Length; i++)
        {
            Turns[i] = commit.Turns[i].Row;
            contents += commit.Turns[i].Contents.Count;
        }
        if (contents == 0) return;
        Contents = new Content[contents];
        foreach (var turn in commit.Turns)
        {
            foreach (var content in turn.Contents)
                Contents[^contents--] = new(turn.Row.Id, (long)content.Kind, content.Payload.ToArray(), content.ExpiresAt?.ToUnixTimeMilliseconds());
        }
    }

    public string Key { get; }

    public ConversationHead? Head { get; }

    public long ExpectedHeadVersion { get; }

    public long NextHeadVersion { get; }

    public TurnRow[] Turns { get; }

    public Content[] Contents { get; } = [];

    public long[] Remove { get; }

    public int RemoveOldest { get; }

    /// <summary>Whether it was not written because an epoch is closed.</summary>
    public bool IsEpochClosed { get; set; }

    /// <summary>A content to store; without bytes, to delete.</summary>
    public readonly record struct Content(long Turn, long Kind, byte[] Payload, long? ExpiresAt);
}
