using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Embedded;

/// <summary>What is stored of one grain.</summary>
internal readonly record struct StoredState(long Version, byte[] Payload);

/// <summary>
/// Everything durable, in one SQLite file with a write-ahead log. Writes go through one thread that commits whatever waits in one transaction;
/// reads are point queries in place, on connections of their own. Thread-safe.
/// </summary>
internal sealed class SqliteStore : IDisposable
{
    private readonly string _connectionString;
    private readonly DirectoryLock _lock;
    private readonly GroupCommit _writer;
    private readonly ConcurrentBag<StateReader> _readers = [];
    private volatile bool _closed;

    private SqliteStore(string connectionString, DirectoryLock @lock, SqliteConnection writer, TimeProvider time, ILogger logger)
    {
        _connectionString = connectionString;
        _lock = @lock;
        _writer = new GroupCommit(writer, time, logger);
    }

    /// <summary>How many transactions have been committed, for tests.</summary>
    public long Commits => _writer.Commits;

    /// <summary>Opens the database of <paramref name="directory"/>, creating what is missing.</summary>
    /// <exception cref="ClusterException">Another process uses it, it is damaged, or a newer version wrote it.</exception>
    public static SqliteStore Open(string directory, Durability durability, TimeProvider time, ILogger logger)
    {
        SQLitePCL.Batteries_V2.Init();
        var held = DirectoryLock.Take(directory);
        SqliteConnection? connection = null;
        try
        {
            // Pooled connections would keep the file open after Dispose.
            var connectionString = new SqliteConnectionStringBuilder { DataSource = Path.Combine(directory, Schema.FileName), Pooling = false }.ToString();
            connection = new SqliteConnection(connectionString);
            Schema.Open(connection, durability);
            return new SqliteStore(connectionString, held, connection, time, logger);
        }
        catch
        {
            connection?.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>What is stored of a grain; null if nothing is.</summary>
    public StoredState? Read(string kind, string key)
    {
        if (_closed) throw EmbeddedEngine.Draining();
        if (!_readers.TryTake(out var reader)) reader = new StateReader(_connectionString);
        try
        {
            var stored = reader.Read(kind, key);
            _readers.Add(reader);
            return stored;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>The next states of a kind in the order of their keys, with their ages.</summary>
    public IReadOnlyList<StoredAge> ReadAges(string kind, string after)
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return StoredAge.ReadPage(connection, kind, after);
    }

    /// <summary>All reminders.</summary>
    public IReadOnlyList<StoredReminder> ReadReminders()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        return StoredReminder.ReadAll(connection);
    }

    /// <summary>Stores a state over version <paramref name="version"/>; 0 where nothing is stored.</summary>
    /// <returns>The new version, or null if another version is stored.</returns>
    public async Task<long?> Save(string kind, string key, long version, byte[] payload)
    {
        // A state that is deleted and stored anew must not come back to a version that somebody still holds.
        var next = version == 0 ? Random.Shared.NextInt64(1, long.MaxValue / 2) : version + 1;
        return await _writer.Enqueue(new StateSave(kind, key, version, next, payload)) ? next : null;
    }

    /// <summary>Deletes a state of version <paramref name="version"/>.</summary>
    /// <returns>False if another version is stored.</returns>
    public Task<bool> Clear(string kind, string key, long version) => _writer.Enqueue(new StateClear(kind, key, version));

    /// <summary>Performs any other write.</summary>
    /// <returns>Whether something changed.</returns>
    public Task<bool> Write(StoreWrite write) => _writer.Enqueue(write);

    /// <summary>Commits what waits, and closes.</summary>
    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _writer.Dispose();
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _lock.Dispose();
    }
}
