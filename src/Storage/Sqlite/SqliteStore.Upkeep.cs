using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Storage;

/// <summary>What keeps the files of the database safe and small: permissions, the mark, and free space. None of it delays a save.</summary>
internal sealed partial class SqliteStore
{
    /// <summary>How many pages a transaction returns to the file system. A save waits for at most one such transaction.</summary>
    private const int ShrinkStep = 128;

    /// <summary>Fewer free pages are kept for what is saved next.</summary>
    private const int MinFreePages = 256;

    private SqliteMark? _mark;
    private SqliteUpkeep? _upkeep;
    private int _readFault;
    private long _marks;

    /// <inheritdoc />
    public Action? Failed { get; set; }

    /// <summary>The path of the database file.</summary>
    public string DatabasePath { get; } = Path.Combine(options.DataDirectory, SqliteSchema.FileName);

    /// <summary>The number of transactions that contained more than a mark, at most one too few while both are committed together.</summary>
    public long CommitsWithoutMarks => Commits - Volatile.Read(ref _marks);

    /// <summary>Sets and records the next mark of the database. If <paramref name="allocates"/>, the transaction also needs free space.</summary>
    /// <returns>Null if the mark is stored; otherwise why not, if the files of the database are not at their paths any more.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database refused the write.</exception>
    public async Task<string?> SetMark(bool allocates)
    {
        if (_mark is not { } mark) throw StorageErrors.Draining();
        var value = 0L;
        var isStored = await Write(write =>
        {
            if (SqliteFaults.HasMoved(write.Connection)) return false;
            if (allocates) Allocate(write.Connection);
            value = mark.Advance(write.Connection);
            return true;
        }).ConfigureAwait(false);
        Interlocked.Increment(ref _marks);
        if (!isStored) return SqliteFaults.Moved(DatabasePath);
        if (new FileInfo(SqliteMark.LogOf(DatabasePath)) is not { Exists: true, Length: > 0 }) return SqliteFaults.LogMoved(DatabasePath);
        mark.Record(value);
        return null;
    }

    /// <inheritdoc />
    public async Task ShrinkAsync(CancellationToken cancellationToken)
    {
        var before = ReadFreePages();
        if (before.Free < MinFreePages || before.Free * 5 < before.All) return;
        for (var (free, last) = (before.Free, long.MaxValue); free >= MinFreePages && free < last;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            last = free;
            await Write(write =>
            {
                ReadAll(write.Connection, $"PRAGMA incremental_vacuum({ShrinkStep})");
                return true;
            }).ConfigureAwait(false);
            free = ReadFreePages().Free;
        }
        TruncateLog();
        var after = ReadFreePages();
        if (after.All < before.All) LogShrunk(logger, options.DataDirectory, before.Bytes >> 20, after.Bytes >> 20);
    }

    /// <summary>Copies the content of the write-ahead log into the database and empties the log. Writers wait only while the log is cut.</summary>
    public void TruncateLog()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        ReadAll(connection, "PRAGMA wal_checkpoint(PASSIVE)");
        ReadAll(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
    }

    private static void ReadAll(SqliteConnection connection, string pragma)
    {
        using var command = connection.CreateCommand();
        command.CommandText = pragma;
        using var row = command.ExecuteReader();
        // Each row is a step of the work.
        while (row.Read())
        {
        }
    }

    // A page that is stored and deleted again needs space in the file or among its free pages, as a save does.
    private static void Allocate(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "INSERT OR REPLACE INTO meta (name, value) VALUES ('probe', zeroblob(8192)); DELETE FROM meta WHERE name = 'probe'";
        command.ExecuteNonQuery();
    }

    private FreePages ReadFreePages()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT freelist_count, page_count, page_size FROM pragma_freelist_count, pragma_page_count, pragma_page_size";
        using var row = command.ExecuteReader();
        row.Read();
        return new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2));
    }

    private void MakePrivate()
    {
        if (DataFolder.MakePrivate(options.DataDirectory) is { } change) LogPermissions(logger, change);
    }

    private void OpenMark(SqliteConnection connection)
    {
        try
        {
            _mark = SqliteMark.Open(connection, options.Durability, time);
        }
        catch (SqliteException e)
        {
            throw new ClusterException(ErrorCode.Internal, SqliteFaults.Describe(e, DatabasePath), inner: e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The data directory {options.DataDirectory} cannot be written to: {e.Message}", inner: e);
        }
    }

    // After a stop in order, the mark covers everything that was saved.
    private void StopUpkeep()
    {
        if (_upkeep is not { } upkeep) return;
        _upkeep = null;
        upkeep.Dispose();
        // The first call may wait for a run that began before the last save.
        upkeep.Run().GetAwaiter().GetResult();
        upkeep.Run().GetAwaiter().GetResult();
    }

    private void ReportReadFailure(Exception error)
    {
        if (error is not SqliteException sqlite) return;
        Failed?.Invoke();
        // Reads fail again and again for the same reason, which is logged once.
        if (Interlocked.Exchange(ref _readFault, sqlite.SqliteErrorCode) != sqlite.SqliteErrorCode)
            LogReadFailed(logger, SqliteFaults.Describe(sqlite, DatabasePath));
    }

    [LoggerMessage(2, LogLevel.Warning, "{Change}")]
    private static partial void LogPermissions(ILogger logger, string change);

    [LoggerMessage(3, LogLevel.Error, "The database refused a read: {Reason}")]
    private static partial void LogReadFailed(ILogger logger, string reason);

    [LoggerMessage(4, LogLevel.Information, "The database in {Directory} has shrunk from {Before} MB to {After} MB")]
    private static partial void LogShrunk(ILogger logger, string directory, long before, long after);

    private readonly record struct FreePages(long Free, long All, long PageSize)
    {
        public long Bytes => All * PageSize;
    }
}
