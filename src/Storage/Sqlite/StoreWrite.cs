using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>A write that waits for its transaction.</summary>
/// <param name="execute">Runs inside the transaction, on the writing thread; whether it found what it expected.</param>
internal sealed class StoreWrite(Func<WriteStatements, bool> execute)
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _found;

    /// <summary>Whether the write found what it expected; completes with the commit.</summary>
    public Task<bool> Done => _done.Task;

    public void Apply(WriteStatements statements) => _found = execute(statements);

    public void Committed() => _done.TrySetResult(_found);

    public void Failed(Exception error) => _done.TrySetException(error);
}

/// <summary>The statements of all writes.</summary>
internal sealed class WriteStatements(SqliteConnection connection, TimeProvider time) : IDisposable
{
    private readonly Statement _findState = new(connection, "SELECT 1 FROM grain_state WHERE state = $0 AND key = $1", SqliteType.Text, SqliteType.Text);

    private readonly Statement _insertState = new(
        connection,
        "INSERT INTO grain_state (state, key, version, payload, updated_at) VALUES ($0, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    private readonly Statement _updateState = new(
        connection,
        "UPDATE grain_state SET version = $3, payload = $4, updated_at = $5 WHERE state = $0 AND key = $1 AND version = $2",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    private readonly Statement _deleteState = new(
        connection, "DELETE FROM grain_state WHERE state = $0 AND key = $1 AND version = $2", SqliteType.Text, SqliteType.Text, SqliteType.Integer);

    private readonly Statement _upsertReminder = new(
        connection,
        """
        INSERT INTO reminders (grain, name, hash, start_at, period, version) VALUES ($0, $1, $2, $3, $4, $5)
        ON CONFLICT DO UPDATE SET start_at = excluded.start_at, period = excluded.period, version = excluded.version
        """,
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer);

    private readonly Statement _deleteReminder = new(
        connection, "DELETE FROM reminders WHERE grain = $0 AND name = $1 AND version = $2", SqliteType.Text, SqliteType.Text, SqliteType.Integer);

    private readonly Statement _deleteReminders = new(connection, "DELETE FROM reminders");

    /// <summary>The one connection that writes.</summary>
    public SqliteConnection Connection => connection;

    public Statement Begin { get; } = new(connection, "BEGIN IMMEDIATE");

    public Statement Commit { get; } = new(connection, "COMMIT");

    public Statement Rollback { get; } = new(connection, "ROLLBACK");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Stores a state over <paramref name="version"/>; 0: none may be stored.</summary>
    /// <returns>False if another version is stored.</returns>
    public bool SaveState(string state, string key, long version, long next, byte[] payload) => version == 0
        ? _insertState.Run(state, key, next, payload, Now) == 1
        : _updateState.Run(state, key, version, next, payload, Now) == 1;

    /// <summary>Deletes <paramref name="version"/> of a state; 0: none may be stored.</summary>
    /// <returns>False if another version is stored.</returns>
    public bool DeleteState(string state, string key, long version)
    {
        if (version != 0) return _deleteState.Run(state, key, version) == 1;
        using var row = _findState.Query(state, key);
        return !row.Read();
    }

    public void UpsertReminder(StoredReminder reminder) => _upsertReminder.Run(
        reminder.Grain.ToString(),
        reminder.Name,
        (long)reminder.Grain.GetUniformHashCode(),
        reminder.StartAt.ToUnixTimeMilliseconds(),
        (long)reminder.Period.TotalMilliseconds,
        reminder.Version);

    /// <returns>False if another version is stored, or none.</returns>
    public bool DeleteReminder(GrainId grain, string name, long version) => _deleteReminder.Run(grain.ToString(), name, version) == 1;

    public bool DeleteReminders() => _deleteReminders.Run() > 0;

    public void Dispose()
    {
        Statement[] all =
            [Begin, Commit, Rollback, _findState, _insertState, _updateState, _deleteState, _upsertReminder, _deleteReminder, _deleteReminders];
        foreach (var statement in all) statement.Dispose();
    }
}
