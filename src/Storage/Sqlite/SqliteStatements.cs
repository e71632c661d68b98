using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>A stored grain state.</summary>
internal readonly record struct StoredState(long Version, byte[] Payload);

/// <summary>A stored reminder.</summary>
internal readonly record struct StoredReminder(GrainId Grain, string Name, DateTimeOffset StartAt, TimeSpan Period, long Version);

/// <summary>A statement with parameters <c>$0</c>, <c>$1</c> and so on, prepared at its first use. Used by one thread at a time.</summary>
internal sealed class SqliteStatement : IDisposable
{
    private readonly SqliteCommand _command;
    private bool _isPrepared;

    public SqliteStatement(SqliteConnection connection, string sql, params ReadOnlySpan<SqliteType> parameters)
    {
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        for (var i = 0; i < parameters.Length; i++) _command.Parameters.Add($"${i}", parameters[i]);
    }

    /// <summary>The text of the statement.</summary>
    public string Sql => _command.CommandText;

    /// <returns>The number of rows that changed.</returns>
    public int Run(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteNonQuery();
    }

    /// <returns>The rows. They must be disposed before the next use of the statement.</returns>
    public SqliteDataReader Query(params ReadOnlySpan<object?> values)
    {
        Bind(values);
        return _command.ExecuteReader();
    }

    /// <returns>The integer in the first column of the first row; null without a row.</returns>
    public long? Scalar(params ReadOnlySpan<object?> values)
    {
        using var row = Query(values);
        return row.Read() ? row.GetInt64(0) : null;
    }

    public void Dispose() => _command.Dispose();

    private void Bind(ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++) _command.Parameters[i].Value = values[i] ?? DBNull.Value;
        if (_isPrepared) return;
        _command.Prepare();
        _isPrepared = true;
    }
}

/// <summary>All statements that read, with a connection of their own. Used by one thread at a time.</summary>
internal sealed class SqliteReadStatements : IDisposable
{
    private const string SelectReminders = "SELECT grain, name, start_at, period, version FROM reminders";

    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _state;
    private readonly SqliteStatement _remindersOfGrain;
    private readonly SqliteStatement _remindersInRange;
    private readonly SqliteStatement _remindersInWrappedRange;

    public SqliteReadStatements(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _state = new(_connection, "SELECT version, payload FROM grain_state WHERE state = $0 AND key = $1", SqliteType.Text, SqliteType.Text);
        Turns = new(_connection);
        _remindersOfGrain = new(_connection, $"{SelectReminders} WHERE grain = $0", SqliteType.Text);
        _remindersInRange = new(_connection, $"{SelectReminders} WHERE hash > $0 AND hash <= $1", SqliteType.Integer, SqliteType.Integer);
        _remindersInWrappedRange = new(_connection, $"{SelectReminders} WHERE hash > $0 OR hash <= $1", SqliteType.Integer, SqliteType.Integer);
    }

    /// <summary>The statements of conversations and turns.</summary>
    public SqliteTurnReads Turns { get; }

    /// <summary>The connection of these statements.</summary>
    public SqliteConnection Connection => _connection;

    /// <summary>Reads a state; null if none is stored.</summary>
    public StoredState? ReadState(string state, string key)
    {
        using var row = _state.Query(state, key);
        return row.Read() ? new StoredState(row.GetInt64(0), row.GetFieldValue<byte[]>(1)) : null;
    }

    /// <summary>Reads the reminders of a grain.</summary>
    public IReadOnlyList<StoredReminder> ReadReminders(GrainId grain)
    {
        using var row = _remindersOfGrain.Query(grain.ToString());
        return ReadAll(row);
    }

    /// <summary>
    /// Reads the reminders of grains whose hash is greater than <paramref name="begin"/> and at most <paramref name="end"/>. The range wraps unless begin is
    /// less than end.
    /// </summary>
    public IReadOnlyList<StoredReminder> ReadReminders(uint begin, uint end)
    {
        using var row = (begin < end ? _remindersInRange : _remindersInWrappedRange).Query((long)begin, (long)end);
        return ReadAll(row);
    }

    public void Dispose()
    {
        foreach (var statement in (SqliteStatement[])[_state, _remindersOfGrain, _remindersInRange, _remindersInWrappedRange]) statement.Dispose();
        Turns.Dispose();
        _connection.Dispose();
    }

    private static List<StoredReminder> ReadAll(SqliteDataReader row)
    {
        var all = new List<StoredReminder>();
        while (row.Read())
        {
            all.Add(new(
                GrainId.Parse(row.GetString(0)),
                row.GetString(1),
                DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)),
                TimeSpan.FromMilliseconds(row.GetInt64(3)),
                row.GetInt64(4)));
        }
        return all;
    }
}

/// <summary>All statements that write. Used by the writing thread only.</summary>
internal sealed class SqliteWriteStatements(SqliteConnection connection, TimeProvider time) : IDisposable
{
    private readonly SqliteStatement _findState = new(connection, "SELECT 1 FROM grain_state WHERE state = $0 AND key = $1", SqliteType.Text, SqliteType.Text);

    private readonly SqliteStatement _insertState = new(
        connection,
        "INSERT INTO grain_state (state, key, version, payload, updated_at) VALUES ($0, $1, $2, $3, $4) ON CONFLICT DO NOTHING",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    private readonly SqliteStatement _updateState = new(
        connection,
        "UPDATE grain_state SET version = $3, payload = $4, updated_at = $5 WHERE state = $0 AND key = $1 AND version = $2",
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Blob, SqliteType.Integer);

    private readonly SqliteStatement _deleteState = new(
        connection, "DELETE FROM grain_state WHERE state = $0 AND key = $1 AND version = $2", SqliteType.Text, SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _upsertReminder = new(
        connection,
        """
        INSERT INTO reminders (grain, name, hash, start_at, period, version) VALUES ($0, $1, $2, $3, $4, $5)
        ON CONFLICT DO UPDATE SET start_at = excluded.start_at, period = excluded.period, version = excluded.version
        """,
        SqliteType.Text, SqliteType.Text, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer, SqliteType.Integer);

    private readonly SqliteStatement _deleteReminder = new(
        connection, "DELETE FROM reminders WHERE grain = $0 AND name = $1 AND version = $2", SqliteType.Text, SqliteType.Text, SqliteType.Integer);

    private readonly SqliteStatement _deleteReminders = new(connection, "DELETE FROM reminders");

    /// <summary>The only connection that writes.</summary>
    public SqliteConnection Connection => connection;

    /// <summary>The statements of conversations and turns.</summary>
    public SqliteTurnWrites Turns { get; } = new(connection, time);

    public SqliteStatement Begin { get; } = new(connection, "BEGIN IMMEDIATE");

    public SqliteStatement Commit { get; } = new(connection, "COMMIT");

    public SqliteStatement Rollback { get; } = new(connection, "ROLLBACK");

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Replaces version <paramref name="version"/> of a state. Version 0 means that no state is stored yet.</summary>
    /// <returns>False if another version is stored.</returns>
    public bool SaveState(string state, string key, long version, long nextVersion, byte[] payload) => version == 0
        ? _insertState.Run(state, key, nextVersion, payload, Now) == 1
        : _updateState.Run(state, key, version, nextVersion, payload, Now) == 1;

    /// <summary>Deletes version <paramref name="version"/> of a state. Version 0 only verifies that no state is stored.</summary>
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

    /// <returns>False if another version or no reminder is stored.</returns>
    public bool DeleteReminder(GrainId grain, string name, long version) => _deleteReminder.Run(grain.ToString(), name, version) == 1;

    public bool DeleteReminders() => _deleteReminders.Run() > 0;

    public void Dispose()
    {
        SqliteStatement[] all =
            [Begin, Commit, Rollback, _findState, _insertState, _updateState, _deleteState, _upsertReminder, _deleteReminder, _deleteReminders];
        foreach (var statement in all) statement.Dispose();
        Turns.Dispose();
    }
}
