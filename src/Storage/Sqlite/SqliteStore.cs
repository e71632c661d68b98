using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>
/// States, reminders and conversations in one SQLite file with a write-ahead log. One thread writes and commits all waiting writes in one transaction (<see
/// cref="GroupCommit"/>). Reads are small queries on the caller's thread, each on a connection of its own. Thread-safe. The store is open from before the silo
/// starts until the silo has stopped; when it is closed, it refuses calls with <see cref="ErrorCode.Draining"/>.
/// </summary>
internal sealed partial class SqliteStore(SqliteStorageOptions options, TimeProvider time, ILogger<SqliteStore> logger)
    : HostLifecycleService, IExpiringStore, IFailingStorage, IDisposable
{
    // SqliteSchema creates the file. A connection that created it again after it was deleted would delete its log too.
    private readonly string _connectionString = SqliteSchema.ConnectionString(options.DataDirectory, SqliteOpenMode.ReadWrite);
    private readonly FileBlobStore _blobs = new(options.BlobDirectory, options.BlobLifetime, time);
    private readonly ConcurrentBag<SqliteReadStatements> _readers = [];
    private DirectoryLock? _lock;
    private volatile GroupCommit? _writer;

    /// <summary>The blobs in the same data directory.</summary>
    public IBlobStore Blobs => _blobs;

    /// <summary>The number of transactions committed so far, for tests.</summary>
    public long Commits => _writer?.Commits ?? 0;

    /// <summary>Opens the database and creates what is missing.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: another process uses it, it is damaged, or another version wrote it.</exception>
    public void Open()
    {
        var directoryLock = DirectoryLock.Acquire(options.DataDirectory);
        var connection = new SqliteConnection(_connectionString);
        try
        {
            MakePrivate();
            SqliteSchema.Open(connection, options.Durability);
            OpenMark(connection);
            _writer = new GroupCommit(connection, time, logger, () => Failed?.Invoke());
            _upkeep = new SqliteUpkeep(this, logger);
        }
        catch
        {
            connection.Dispose();
            directoryLock.Dispose();
            throw;
        }
        _lock = directoryLock;
        LogOpened(logger, options.DataDirectory, options.Durability);
    }

    /// <summary>Reads on the caller's thread.</summary>
    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public T Read<T>(Func<SqliteReadStatements, T> read)
    {
        if (_writer is null) throw StorageErrors.Draining();
        SqliteReadStatements? reader = null;
        try
        {
            if (!_readers.TryTake(out reader)) reader = new SqliteReadStatements(_connectionString);
            var result = read(reader);
            _readers.Add(reader);
            return result;
        }
        catch (Exception e)
        {
            reader?.Dispose();
            ReportReadFailure(e);
            throw;
        }
    }

    /// <summary>Writes in the next transaction.</summary>
    /// <returns>The result of <paramref name="write"/>, when it is committed.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database refused the write.</exception>
    public Task<bool> Write(Func<SqliteWriteStatements, bool> write) =>
        _writer?.Enqueue(new QueuedWrite(write)) ?? Task.FromException<bool>(StorageErrors.Draining());

    /// <summary>Replaces version <paramref name="version"/> of a state. Version 0 means that no state is stored yet.</summary>
    /// <returns>The new version; null if another version is stored.</returns>
    public async Task<long?> Save(string state, string key, long version, byte[] payload)
    {
        // A state that is deleted and stored again must not get a version that an activation still has.
        var nextVersion = version == 0 ? CreateVersion() : version + 1;
        return await Write(write => write.SaveState(state, key, version, nextVersion, payload)).ConfigureAwait(false) ? nextVersion : null;
    }

    /// <summary>Deletes version <paramref name="version"/> of a state. Version 0 only verifies that no state is stored.</summary>
    /// <returns>False if another version is stored.</returns>
    public Task<bool> Clear(string state, string key, long version) => Write(write => write.DeleteState(state, key, version));

    /// <summary>A random version, which no record has had before.</summary>
    public static long CreateVersion() => Random.Shared.NextInt64(1, long.MaxValue / 2);

    /// <inheritdoc />
    public override Task StartingAsync(CancellationToken cancellationToken)
    {
        Open();
        _upkeep!.Start();
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
        _blobs.DeleteExpired(cancellationToken);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<int> DeleteExpiredContentsAsync(int limit, CancellationToken cancellationToken) => Sweep(write => write.Turns.DeleteExpiredContents(limit));

    /// <inheritdoc />
    public Task<int> DeleteExpiredConversationsAsync(int limit, CancellationToken cancellationToken) =>
        Sweep(write => write.Turns.DeleteExpiredConversations(limit));

    /// <inheritdoc />
    public Task<int> DeleteOldTurnsAsync(DateTimeOffset createdBefore, int limit, CancellationToken cancellationToken) =>
        Sweep(write => write.Turns.DeleteOldTurns(TurnRowId.At(createdBefore), limit));

    /// <inheritdoc />
    public Task<int> DeleteOldUsageAsync(DateTimeOffset before, int limit, CancellationToken cancellationToken) =>
        Sweep(write => SqliteUsageStore.DeleteOld(write.Connection, before, limit));

    /// <inheritdoc />
    public async Task<int> DeleteOldAuditAsync(DateTimeOffset before, int max, int limit, CancellationToken cancellationToken)
    {
        var (deleted, excess) = (0, Read(reader => SqliteAuditLog.Count(reader.Connection)) - max);
        await Write(write =>
        {
            deleted = SqliteAuditLog.Delete(write.Connection, AuditEntry.FirstId(before), excess, limit);
            return true;
        }).ConfigureAwait(false);
        return deleted;
    }

    /// <summary>Commits the waiting writes, and closes the database.</summary>
    public void Dispose()
    {
        StopUpkeep();
        _writer?.Dispose();
        _writer = null;
        while (_readers.TryTake(out var reader)) reader.Dispose();
        _mark?.Dispose();
        _mark = null;
        _lock?.Dispose();
        _lock = null;
    }

    private async Task<int> Sweep(Func<SqliteWriteStatements, int> step)
    {
        var handled = 0;
        await Write(write =>
        {
            handled = step(write);
            return true;
        }).ConfigureAwait(false);
        return handled;
    }

    [LoggerMessage(1, LogLevel.Information, "The SQLite storage in {Directory} is open, with durability {Durability}")]
    private static partial void LogOpened(ILogger logger, string directory, Durability durability);
}
