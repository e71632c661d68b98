using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>
/// States and reminders in one SQLite file with a write-ahead log. Writes go through one thread that commits whatever waits in one transaction; reads are
/// point queries in place, on connections of their own. Thread-safe. Open from before the silo starts until it has stopped; closed, it refuses with
/// <see cref="ErrorCode.Draining"/>.
/// </summary>
internal sealed class SqliteStore(SqliteStorageOptions options, TimeProvider time, ILogger<SqliteStore> logger) : HostPhase, IExpiringStore, IDisposable
{
    private readonly string _connectionString = SqliteSchema.ConnectionString(options.DataDirectory);
    private readonly FileBlobStore _blobs = new(options.BlobDirectory, options.BlobLifetime, time);
    private readonly ConcurrentBag<StoreReader> _readers = [];
    private DirectoryLock? _lock;
    private volatile GroupCommit? _writer;

    /// <summary>The blobs beside the database.</summary>
    public IBlobStore Blobs => _blobs;

    /// <summary>How many transactions have been committed, for tests.</summary>
    public long Commits => _writer?.Commits ?? 0;

    /// <summary>Opens the database, creating what is missing.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: another process uses it, it is damaged, or another version wrote it.</exception>
    public void Open()
    {
        var held = DirectoryLock.Take(options.DataDirectory);
        var connection = new SqliteConnection(_connectionString);
        try
        {
            SqliteSchema.Open(connection, options.Durability);
            _writer = new GroupCommit(connection, time, logger);
        }
        catch
        {
            connection.Dispose();
            held.Dispose();
            throw;
        }
        _lock = held;
        Log.Opened(logger, options.DataDirectory, options.Durability);
    }

    /// <summary>Reads.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public T Read<T>(Func<StoreReader, T> read)
    {
        if (_writer is null) throw StorageErrors.Draining();
        if (!_readers.TryTake(out var reader)) reader = new StoreReader(_connectionString);
        try
        {
            var found = read(reader);
            _readers.Add(reader);
            return found;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>Writes in the next transaction.</summary>
    /// <returns>Once committed: whether the write found what it expected.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database refused it.</exception>
    public Task<bool> Write(Func<WriteStatements, bool> write) =>
        _writer?.Enqueue(new StoreWrite(write)) ?? Task.FromException<bool>(StorageErrors.Draining());

    /// <summary>Stores a state over version <paramref name="version"/>; 0 where nothing is stored.</summary>
    /// <returns>The new version, or null if another version is stored.</returns>
    public async Task<long?> Save(string state, string key, long version, byte[] payload)
    {
        // A state that is deleted and stored anew must not return to a version that somebody still holds.
        var next = version == 0 ? NewVersion() : version + 1;
        return await Write(write => write.SaveState(state, key, version, next, payload)).ConfigureAwait(false) ? next : null;
    }

    /// <summary>Deletes a state of version <paramref name="version"/>; 0: verifies that nothing is stored.</summary>
    /// <returns>False if another version is stored.</returns>
    public Task<bool> Clear(string state, string key, long version) => Write(write => write.DeleteState(state, key, version));

    /// <summary>A version that no record has had.</summary>
    public static long NewVersion() => Random.Shared.NextInt64(1, long.MaxValue / 2);

    /// <inheritdoc />
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        Open();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override Task StoppedAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken)
    {
        _blobs.Sweep(cancellationToken);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<StoredAge>> ReadAgesAsync(string stateName, string afterKey, CancellationToken cancellationToken) =>
        Task.FromResult(Read(reader => reader.ReadAges(stateName, afterKey)));

    /// <inheritdoc />
    public Task DeleteAsync(string stateName, IReadOnlyList<StoredAge> states, CancellationToken cancellationToken) =>
        Write(write => states.Count(state => write.DeleteState(stateName, state.Key, state.Version)) > 0);

    /// <summary>Commits what waits, and closes.</summary>
    public void Dispose()
    {
        _writer?.Dispose();
        _writer = null;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _lock?.Dispose();
        _lock = null;
    }
}
