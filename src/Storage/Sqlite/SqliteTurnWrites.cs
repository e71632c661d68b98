using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The statements that write conversations and turns. Used by the writing thread only, inside its transaction.</summary>
internal sealed class SqliteTurnWrites(SqliteConnection connection, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan TombstoneLifetime = TimeSpan.FromHours(1);

    private readonly SqliteStatement _insertHead = new(
        connection,
        """
        INSERT INTO conversations (key, version, tenant, name, title, created_at, last_used_at, turns, expires_at, is_deleted)
        VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
        """,
        SqliteType.Text, SqliteType.Integer, SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer,
        SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _updateHead = new(
        connection,
        """
        UPDATE conversations SET version = $1, tenant = $2, name = $3, title = $4, created_at = $5, last_used_at = $6, turns = $7, expires_at = $8,
            is_deleted = $9
        WHERE key = $0 AND version = $10
        """,
        SqliteType.Text, SqliteType.Integer, SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer,
        SqliteType.Integer, SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _headVersion = new(connection, "SELECT version FROM conversations WHERE key = $0", SqliteType.Text);

    private readonly SqliteStatement _buryHead = new(
        connection,
        "UPDATE conversations SET title = NULL, turns = 0, is_deleted = 1, version = version + 1, expires_at = $1 WHERE key = $0 AND is_deleted = 0",
        SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _deleteHead = new(connection, "DELETE FROM conversations WHERE key = $0", SqliteType.Text);

    // The end of a running turn would be a conflict if its conversation were deleted before.
    private readonly SqliteStatement _expiredHeads = new(
        connection,
        """
        SELECT key FROM conversations INDEXED BY conversations_expiring
        WHERE expires_at <= $0 AND NOT EXISTS (SELECT 1 FROM turns INDEXED BY turns_unfinished WHERE conversation = key AND ended_at IS NULL)
        ORDER BY expires_at LIMIT $1
        """,
        SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteTurnUpdates _turns = new(connection);

    private readonly SqliteStatement _oldestTurns = new(
        connection,
        """
        SELECT id FROM turns INDEXED BY turns_of_conversation WHERE conversation = $0 AND ended_at IS NOT NULL ORDER BY id LIMIT $1
        """,
        SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _detachTurn = new(
        connection,
        "UPDATE turns SET conversation = NULL, is_history = 0, version = version + 1 WHERE id = $0 AND conversation = $1",
        SqliteType.Integer, SqliteType.Text);

    private readonly SqliteStatement _detachTurns = new(
        connection,
        "UPDATE turns INDEXED BY turns_of_conversation SET conversation = NULL, is_history = 0, version = version + 1 WHERE conversation = $0",
        SqliteType.Text);

    private readonly SqliteStatement _deleteContentsOfConversation = new(
        connection,
        "DELETE FROM contents WHERE turn IN (SELECT id FROM turns INDEXED BY turns_of_conversation WHERE conversation = $0)",
        SqliteType.Text);

    private readonly SqliteStatement _deleteContentsOfTurn = new(connection, "DELETE FROM contents WHERE turn = $0", SqliteType.Integer);

    private readonly SqliteStatement _saveContent = new(
        connection,
        """
        INSERT INTO contents (turn, kind, payload, expires_at) VALUES ($0, $1, $2, $3)
        ON CONFLICT DO UPDATE SET payload = excluded.payload, expires_at = excluded.expires_at
        """,
        SqliteType.Integer, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    private readonly SqliteStatement _deleteContent = new(
        connection, "DELETE FROM contents WHERE turn = $0 AND kind = $1", SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _deleteExpiredContents = new(
        connection,
        "DELETE FROM contents WHERE rowid IN (SELECT rowid FROM contents INDEXED BY contents_expiring WHERE expires_at <= $0 ORDER BY expires_at LIMIT $1)",
        SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _deleteContentsOfOldTurns = new(
        connection, $"DELETE FROM contents WHERE turn IN ({OldTurns})", SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _deleteOldTurns = new(
        connection, $"DELETE FROM turns WHERE id IN ({OldTurns})", SqliteType.Integer, SqliteType.Integer);

    // While an epoch is open, nobody has added up its turns. Turns that have not been counted must not be lost for the usage.
    private const string OldTurns =
        "SELECT id FROM turns INDEXED BY turns_of_log WHERE is_history = 0 AND id < $0 AND " +
        "NOT EXISTS (SELECT 1 FROM ledger_epochs WHERE ledger_epochs.epoch = turns.epoch) AND " +
        "NOT EXISTS (SELECT 1 FROM uncounted_turns WHERE turn = id) ORDER BY id LIMIT $1";

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Writes a commit.</summary>
    /// <returns>
    /// False if a stored version is not the expected one, or if an epoch is closed (<see cref="SqliteCommit.IsEpochClosed"/>). Nothing is written then, so the
    /// transaction can continue.
    /// </returns>
    public bool Commit(SqliteCommit commit)
    {
        commit.IsEpochClosed = false;
        // A commit of one row needs no check: the write of that row is the check.
        var isChecked = commit.Turns.Length + (commit.Head is null ? 0 : 1) > 1;
        if (isChecked && !HasExpectedVersions(commit)) return false;
        if (isChecked && (commit.IsEpochClosed = commit.Turns.Any(_turns.IsEpochClosed))) return false;
        var isWritten = commit.Head is null || SaveHead(commit, commit.Head);
        foreach (var turn in commit.Turns) isWritten = isWritten && _turns.Save(commit.Key, turn);
        if (!isWritten && isChecked) throw new InvalidOperationException($"A commit of {commit.Key} contains a row twice.");
        if (!isWritten)
        {
            commit.IsEpochClosed = HasExpectedVersions(commit) && commit.Turns.Any(_turns.IsEpochClosed);
            return false;
        }
        foreach (var content in commit.Contents)
        {
            if (content.Payload.Length == 0) _deleteContent.Run(content.Turn, content.Kind);
            else _saveContent.Run(content.Turn, content.Kind, content.Payload, content.ExpiresAt);
        }
        foreach (var turn in commit.Remove) Detach(commit.Key, turn);
        if (commit.RemoveOldest > 0) DetachOldest(commit.Key, commit.RemoveOldest);
        return true;
    }

    /// <summary>See <see cref="IConversationStore.Delete"/>.</summary>
    public bool Delete(string key)
    {
        DetachAll(key);
        return _buryHead.Run(key, Now + (long)TombstoneLifetime.TotalMilliseconds) > 0;
    }

    /// <summary>See <see cref="IExpiringStore.DeleteExpiredContentsAsync"/>.</summary>
    public int DeleteExpiredContents(int limit) => _deleteExpiredContents.Run(Now, (long)limit);

    /// <summary>See <see cref="IExpiringStore.DeleteExpiredConversationsAsync"/>.</summary>
    public int DeleteExpiredConversations(int limit)
    {
        var expired = new List<string>();
        using (var row = _expiredHeads.Query(Now, (long)limit))
        {
            while (row.Read()) expired.Add(row.GetString(0));
        }
        var handled = 0;
        foreach (var key in expired)
        {
            handled += DetachAll(key) + _deleteHead.Run(key);
            if (handled >= limit) break;
        }
        return handled;
    }

    /// <summary>See <see cref="IExpiringStore.DeleteOldTurnsAsync"/>.</summary>
    public int DeleteOldTurns(long beforeId, int limit)
    {
        _deleteContentsOfOldTurns.Run(beforeId, (long)limit);
        return _deleteOldTurns.Run(beforeId, (long)limit);
    }

    public void Dispose()
    {
        SqliteStatement[] all =
        [
            _insertHead, _updateHead, _headVersion, _buryHead, _deleteHead, _expiredHeads, _oldestTurns, _detachTurn, _detachTurns,
            _deleteContentsOfConversation, _deleteContentsOfTurn, _saveContent, _deleteContent, _deleteExpiredContents, _deleteContentsOfOldTurns,
            _deleteOldTurns,
        ];
        foreach (var statement in all) statement.Dispose();
        _turns.Dispose();
    }

    private bool HasExpectedVersions(SqliteCommit commit)
    {
        if (commit.Head is not null && (_headVersion.Scalar(commit.Key) ?? 0) != commit.ExpectedHeadVersion) return false;
        foreach (var turn in commit.Turns)
        {
            if (!_turns.HasExpectedVersion(commit.Key, turn)) return false;
        }
        return true;
    }

    private bool SaveHead(SqliteCommit commit, ConversationHead head)
    {
        var createdAt = SqliteTurnRows.ToStored(head.CreatedAt);
        var lastUsedAt = SqliteTurnRows.ToStored(head.LastUsedAt);
        var expiresAt = SqliteTurnRows.ToStored(head.ExpiresAt);
        return (commit.ExpectedHeadVersion == 0
            ? _insertHead.Run(
                commit.Key, commit.NextHeadVersion, head.TenantId, head.Name, head.Title, createdAt, lastUsedAt, head.Turns, expiresAt, head.IsDeleted)
            : _updateHead.Run(
                commit.Key, commit.NextHeadVersion, head.TenantId, head.Name, head.Title, createdAt, lastUsedAt, head.Turns, expiresAt, head.IsDeleted,
                commit.ExpectedHeadVersion)) == 1;
    }

    private void Detach(string key, long turn)
    {
        if (_detachTurn.Run(turn, key) == 1) _deleteContentsOfTurn.Run(turn);
    }

    private void DetachOldest(string key, int count)
    {
        var oldest = new List<long>();
        using (var row = _oldestTurns.Query(key, (long)count))
        {
            while (row.Read()) oldest.Add(row.GetInt64(0));
        }
        foreach (var turn in oldest) Detach(key, turn);
    }

    private int DetachAll(string key)
    {
        _deleteContentsOfConversation.Run(key);
        return _detachTurns.Run(key);
    }
}
