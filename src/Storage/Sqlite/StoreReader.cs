using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>What is stored of one grain state.</summary>
internal readonly record struct StoredState(long Version, byte[] Payload);

/// <summary>A reminder as stored.</summary>
internal readonly record struct StoredReminder(GrainId Grain, string Name, DateTimeOffset StartAt, TimeSpan Period, long Version);

/// <summary>A connection that reads, and its statements. Used by one thread at a time.</summary>
internal sealed class StoreReader : IDisposable
{
    private const string Reminders = "SELECT grain, name, start_at, period, version FROM reminders";

    private readonly SqliteConnection _connection;
    private readonly Statement _state;
    private readonly Statement _ages;
    private readonly Statement _remindersOfGrain;
    private readonly Statement _remindersInRange;
    private readonly Statement _remindersInWrappedRange;

    public StoreReader(string connectionString)
    {
        _connection = new SqliteConnection(connectionString);
        _connection.Open();
        _state = new(_connection, "SELECT version, payload FROM grain_state WHERE state = $0 AND key = $1", SqliteType.Text, SqliteType.Text);
        _ages = new(
            _connection,
            $"SELECT key, version, updated_at FROM grain_state WHERE state = $0 AND key > $1 ORDER BY key LIMIT {Housekeeping.PageSize}",
            SqliteType.Text, SqliteType.Text);
        _remindersOfGrain = new(_connection, $"{Reminders} WHERE grain = $0", SqliteType.Text);
        _remindersInRange = new(_connection, $"{Reminders} WHERE hash > $0 AND hash <= $1", SqliteType.Integer, SqliteType.Integer);
        _remindersInWrappedRange = new(_connection, $"{Reminders} WHERE hash > $0 OR hash <= $1", SqliteType.Integer, SqliteType.Integer);
    }

    /// <summary>A state; null if none is stored.</summary>
    public StoredState? ReadState(string state, string key)
    {
        using var row = _state.Query(state, key);
        return row.Read() ? new StoredState(row.GetInt64(0), row.GetFieldValue<byte[]>(1)) : null;
    }

    /// <summary>A page of states without their content, in the order of their keys.</summary>
    public IReadOnlyList<StoredAge> ReadAges(string state, string afterKey)
    {
        using var row = _ages.Query(state, afterKey);
        var page = new List<StoredAge>();
        while (row.Read()) page.Add(new(row.GetString(0), row.GetInt64(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2))));
        return page;
    }

    public IReadOnlyList<StoredReminder> ReadReminders(GrainId grain)
    {
        using var row = _remindersOfGrain.Query(grain.ToString());
        return ReadAll(row);
    }

    /// <summary>
    /// Reminders of grains whose hash is greater than <paramref name="begin"/> and at most <paramref name="end"/>; the range wraps unless begin is less than end.
    /// </summary>
    public IReadOnlyList<StoredReminder> ReadReminders(uint begin, uint end)
    {
        using var row = (begin < end ? _remindersInRange : _remindersInWrappedRange).Query((long)begin, (long)end);
        return ReadAll(row);
    }

    public void Dispose()
    {
        foreach (var statement in (Statement[])[_state, _ages, _remindersOfGrain, _remindersInRange, _remindersInWrappedRange]) statement.Dispose();
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
