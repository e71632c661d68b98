using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>One write that waits for its transaction.</summary>
internal abstract class StoreWrite
{
    private readonly TaskCompletionSource<bool> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _applied;

    /// <summary>Whether it found what it expected; known once committed.</summary>
    public Task<bool> Done => _done.Task;

    /// <summary>Performs the write inside the transaction.</summary>
    public void Apply(WriteStatements statements) => _applied = Execute(statements);

    public void Committed() => _done.TrySetResult(_applied);

    public void Failed(Exception error) => _done.TrySetException(error);

    protected abstract bool Execute(WriteStatements statements);
}

internal sealed class StateSave(string kind, string key, long version, long next, byte[] payload) : StoreWrite
{
    protected override bool Execute(WriteStatements statements) => version == 0
        ? statements.InsertState.Run(kind, key, next, payload, statements.Now) == 1
        : statements.UpdateState.Run(kind, key, version, next, payload, statements.Now) == 1;
}

internal sealed class StateClear(string kind, string key, long version) : StoreWrite
{
    // Version 0: nothing was stored, and nothing may be.
    protected override bool Execute(WriteStatements statements) => version == 0
        ? !statements.FindState.Finds(kind, key)
        : statements.DeleteState.Run(kind, key, version) == 1;
}

/// <summary>Deletes states that have not changed since they were found to be over.</summary>
internal sealed class StateExpire(string kind, IReadOnlyList<StoredAge> expired) : StoreWrite
{
    protected override bool Execute(WriteStatements statements) => expired.Sum(s => statements.DeleteState.Run(kind, s.Key, s.Version)) > 0;
}

/// <summary>The statements of all writes, prepared once.</summary>
internal sealed class WriteStatements(SqliteConnection connection, TimeProvider time) : IDisposable
{
    public Statement Begin { get; } = new(connection, "BEGIN IMMEDIATE");

    public Statement Commit { get; } = new(connection, "COMMIT");

    public Statement Rollback { get; } = new(connection, "ROLLBACK");

    public Statement InsertState { get; } = new(
        connection,
        "INSERT INTO grain_state (kind, key, version, payload, updated_at) VALUES ($0, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    public Statement UpdateState { get; } = new(
        connection,
        "UPDATE grain_state SET version = $3, payload = $4, updated_at = $5 WHERE kind = $0 AND key = $1 AND version = $2",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    public Statement DeleteState { get; } = new(
        connection, "DELETE FROM grain_state WHERE kind = $0 AND key = $1 AND version = $2", SqliteType.Text, SqliteType.Text, SqliteType.Integer);

    public Statement FindState { get; } = new(
        connection, "SELECT 1 FROM grain_state WHERE kind = $0 AND key = $1", SqliteType.Text, SqliteType.Text);

    public Statement SetReminder { get; } = new(
        connection,
        "INSERT INTO reminders (kind, key, name, due, period) VALUES ($0, $1, $2, $3, $4) ON CONFLICT DO UPDATE SET due = excluded.due, period = excluded.period",
        SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer);

    public Statement MoveReminder { get; } = new(
        connection,
        "UPDATE reminders SET due = $4 WHERE kind = $0 AND key = $1 AND name = $2 AND due = $3",
        SqliteType.Text, SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer);

    public Statement DeleteReminder { get; } = new(
        connection, "DELETE FROM reminders WHERE kind = $0 AND key = $1 AND name = $2", SqliteType.Text, SqliteType.Text, SqliteType.Text);

    /// <summary>Now, as stored: milliseconds since 1970 UTC.</summary>
    public long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    public void Dispose()
    {
        foreach (var statement in (Statement[])[Begin, Commit, Rollback, InsertState, UpdateState, DeleteState, FindState, SetReminder, MoveReminder, DeleteReminder])
            statement.Dispose();
    }
}

/// <summary>A prepared statement with parameters <c>$0</c>, <c>$1</c> and so on.</summary>
internal sealed class Statement : IDisposable
{
    private readonly SqliteCommand _command;
    private bool _prepared;

    public Statement(SqliteConnection connection, string sql, params ReadOnlySpan<SqliteType> parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var i = 0; i < parameters.Length; i++) _command.Parameters.Add($"${i}", parameters[i]);
    }

    /// <returns>How many rows changed.</returns>
    public int Run(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <returns>Whether there is a row.</returns>
    public bool Finds(params ReadOnlySpan<object> values)
    {
        Bind(values);
        return _command.ExecuteScalar() is not null;
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++) _command.Parameters[i].Value = values[i];
        if (_prepared) return;
        _command.Prepare();
        _prepared = true;
    }
}
