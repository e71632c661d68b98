using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The statements that read conversations and turns, on the connection of a reader. Used by one thread at a time.</summary>
internal sealed class SqliteTurnReads(SqliteConnection connection) : IDisposable
{
    private const string Heads = $"SELECT {SqliteTurnRows.HeadColumns} FROM conversations";

    private const string Turns = $"SELECT {SqliteTurnRows.TurnColumns} FROM turns";

    private const string TurnsWithContents = $"SELECT {SqliteTurnRows.TurnColumns}, kind, payload, expires_at";

    private readonly SqliteStatement _begin = new(connection, "BEGIN");

    private readonly SqliteStatement _end = new(connection, "COMMIT");

    private readonly SqliteStatement _head = new(connection, $"{Heads} WHERE key = $0", SqliteType.Text);

    private readonly SqliteStatement _last = new(
        connection, $"{Turns} INDEXED BY turns_of_conversation WHERE conversation = $0 ORDER BY id DESC LIMIT 1", SqliteType.Text);

    private readonly SqliteStatement _lastWithHandle = new(
        connection,
        $"{Turns} INDEXED BY turns_of_conversation WHERE conversation = $0 AND handle IS NOT NULL ORDER BY id DESC LIMIT 1",
        SqliteType.Text);

    private readonly SqliteStatement _unfinishedTurns = new(
        connection,
        $"""
        {TurnsWithContents} FROM turns INDEXED BY turns_unfinished LEFT JOIN contents ON turn = id
        WHERE conversation = $0 AND ended_at IS NULL ORDER BY id
        """,
        SqliteType.Text);

    private readonly SqliteStatement _turn = new(
        connection,
        $"{TurnsWithContents} FROM turns INDEXED BY turns_by_turn LEFT JOIN contents ON turn = id WHERE turn_id = $0 AND conversation = $1",
        SqliteType.Text, SqliteType.Text);

    // Kind 1 is the request.
    private readonly SqliteStatement _turnsOfConversation = new(
        connection,
        $"""
        {TurnsWithContents}
        FROM (SELECT * FROM turns INDEXED BY turns_of_conversation WHERE conversation = $0 ORDER BY id DESC LIMIT $1)
        LEFT JOIN contents ON turn = id AND kind > 1 ORDER BY id
        """,
        SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _list = new(
        connection,
        $"""
        {Heads} INDEXED BY conversations_by_use WHERE tenant = $0 AND name IS NOT NULL AND is_deleted = 0
        ORDER BY last_used_at DESC, name LIMIT $1
        """,
        SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _listAfter = new(
        connection,
        $"""
        {Heads} INDEXED BY conversations_by_use WHERE tenant = $0 AND name IS NOT NULL AND is_deleted = 0
            AND last_used_at <= $2 AND (last_used_at < $2 OR name > $3)
        ORDER BY last_used_at DESC, name LIMIT $1
        """,
        SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Text);

    private readonly SqliteStatement _unfinishedKeys = new(
        connection,
        """
        SELECT DISTINCT conversation FROM turns INDEXED BY turns_unfinished WHERE ended_at IS NULL AND conversation > $0 AND id < $1
        ORDER BY conversation LIMIT $2
        """,
        SqliteType.Text, SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteTurnSearch _search = new(connection);

    /// <summary>See <see cref="IConversationStore.Load"/>.</summary>
    public StoredConversation? Load(string key)
    {
        // In one transaction, so that the rows belong together. After an error the reader closes its connection, and with it the transaction.
        _begin.Run();
        var headVersion = 0L;
        var head = ReadHead(key, ref headVersion);
        var last = ReadLast(_last, key);
        StoredConversation? loaded = null;
        if (head is not null || last is not null)
        {
            using var unfinished = _unfinishedTurns.Query(key);
            loaded = new(
                head, headVersion, SqliteTurnRows.ReadTurnsWithContents(unfinished), last,
                last is null or { Handle: not null } ? last : ReadLast(_lastWithHandle, key));
        }
        _end.Run();
        return loaded;
    }

    /// <summary>See <see cref="IConversationStore.FindTurn"/>.</summary>
    public StoredTurn? FindTurn(string key, string turnId)
    {
        using var row = _turn.Query(turnId, key);
        return SqliteTurnRows.ReadTurnsWithContents(row) is [var turn] ? turn : null;
    }

    /// <summary>See <see cref="IConversationStore.ReadTurns"/>.</summary>
    public IReadOnlyList<StoredTurn> ReadTurns(string key, int limit)
    {
        using var row = _turnsOfConversation.Query(key, (long)limit);
        return SqliteTurnRows.ReadTurnsWithContents(row);
    }

    /// <summary>See <see cref="ITurnLog.ListConversations"/>.</summary>
    public IReadOnlyList<ConversationHead> List(string tenantId, string? afterKey, int limit)
    {
        if (afterKey is null)
        {
            using var first = _list.Query(tenantId, (long)limit);
            return ReadHeads(first);
        }
        var version = 0L;
        if (ReadHead(afterKey, ref version) is not { Name: { } name } last) return [];
        using var row = _listAfter.Query(tenantId, (long)limit, SqliteTurnRows.ToStored(last.LastUsedAt), name);
        return ReadHeads(row);
    }

    /// <summary>See <see cref="ITurnLog.ReadUnfinished"/>.</summary>
    public IReadOnlyList<string> ReadUnfinished(long beforeId, string afterKey, int limit)
    {
        using var row = _unfinishedKeys.Query(afterKey, beforeId, (long)limit);
        var keys = new List<string>();
        while (row.Read()) keys.Add(row.GetString(0));
        return keys;
    }

    /// <summary>See <see cref="ITurnLog.Search"/>.</summary>
    public IReadOnlyList<TurnRow> Search(TurnQuery query) => _search.Run(query);

    public void Dispose()
    {
        SqliteStatement[] all =
            [_begin, _end, _head, _last, _lastWithHandle, _unfinishedTurns, _turn, _turnsOfConversation, _list, _listAfter, _unfinishedKeys];
        foreach (var statement in all) statement.Dispose();
        _search.Dispose();
    }

    private ConversationHead? ReadHead(string key, ref long version)
    {
        using var row = _head.Query(key);
        if (!row.Read()) return null;
        version = row.GetInt64(0);
        return SqliteTurnRows.ReadHead(row);
    }

    private static TurnRow? ReadLast(SqliteStatement statement, string key)
    {
        using var row = statement.Query(key);
        return row.Read() ? SqliteTurnRows.ReadTurn(row) : null;
    }

    private static List<ConversationHead> ReadHeads(SqliteDataReader row)
    {
        var heads = new List<ConversationHead>();
        while (row.Read()) heads.Add(SqliteTurnRows.ReadHead(row));
        return heads;
    }
}
