using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>
/// A data directory without a database. Everything is written into the folder <c>restore.part</c> in it. In the end the folder of the blobs and then the
/// database are moved out of it, so the directory has either no database or a complete one. A folder that a crash has left is deleted by the next restore.
/// </summary>
public sealed class SqliteTarget : IStoreTarget
{
    private const string PartFolder = "restore.part";

    private readonly string _directory;
    private readonly DirectoryLock _lock;
    private readonly Action _removeLock;
    private readonly SqliteConnection _connection;
    private readonly SqliteTables.Writer _writer;
    private readonly List<string> _indexes;
    private bool _isComplete;

    private SqliteTarget(string directory, DirectoryLock directoryLock, Action removeLock, int maxPages)
    {
        (_directory, _lock, _removeLock) = (directory, directoryLock, removeLock);
        DeletePart(_directory);
        DataFolder.CreateFolder(Part);
        _connection = new(SqliteSchema.ConnectionString(Part));
        SqliteSchema.Create(_connection);
        // The file is of no use until it is complete, so it needs no journal, and waits for the disk once in the end.
        Execute($"PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA max_page_count={maxPages}");
        _indexes = RemoveIndexes();
        _writer = new(_connection);
        Execute("BEGIN");
    }

    private string Part => Path.Combine(_directory, PartFolder);

    private string PartBlobs => Path.Combine(Part, FileBlobStore.FolderName);

    /// <summary>Prepares a data directory, which is created if it is missing. No node can start on it until the target is disposed.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: the directory contains a database already. <see cref="ErrorCode.Internal"/>: another process uses the directory,
    /// or it cannot be written to.
    /// </exception>
    public static SqliteTarget Open(string directory) => Open(directory, int.MaxValue - 1);

    /// <summary>As <see cref="Open(string)"/>, with a limit for the size of the database, which makes writes fail as a full disk does.</summary>
    internal static SqliteTarget Open(string directory, int maxPages)
    {
        var (isNewDirectory, isNewLock) = (!Directory.Exists(directory), !File.Exists(Path.Combine(directory, DirectoryLock.FileName)));
        var directoryLock = DirectoryLock.Acquire(directory);
        // While the lock is held, so that no other process can have it.
        void RemoveLock()
        {
            if (isNewLock) File.Delete(Path.Combine(directory, DirectoryLock.FileName));
            if (isNewDirectory && !Directory.EnumerateFileSystemEntries(directory).Any()) Directory.Delete(directory);
        }
        try
        {
            // The log of another database would be applied to the new one.
            if (Directory.EnumerateFiles(directory, SqliteSchema.FileName + "*").FirstOrDefault() is { } file)
            {
                throw new ClusterException(
                    ErrorCode.StateConflict, $"The directory {directory} contains {Path.GetFileName(file)} already. Restore into another directory.");
            }
            return new(directory, directoryLock, RemoveLock, maxPages);
        }
        catch (Exception e)
        {
            DeletePart(directory);
            RemoveLock();
            directoryLock.Dispose();
            if (e is not (SqliteException or IOException or UnauthorizedAccessException)) throw;
            throw new ClusterException(ErrorCode.Internal, $"The data directory {directory} cannot be written to: {e.Message}", inner: e);
        }
    }

    /// <inheritdoc />
    public StoredRow Adapt(StoredRow row) => row;

    /// <inheritdoc />
    public ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken)
    {
        if (row.Kind == RowKind.Blob) return new(FileBlobs.WriteAsync(PartBlobs, row, cancellationToken));
        _writer.Write(row);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadBackAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        _writer.Dispose();
        Execute("COMMIT");
        // An index of rows that exist already is built much faster.
        foreach (var index in _indexes) Execute(index);
        foreach (var row in SqliteTables.Read(_connection)) yield return row;
        await foreach (var row in FileBlobs.ReadAsync(PartBlobs, DateTimeOffset.MinValue, [], cancellationToken).ConfigureAwait(false)) yield return row;
    }

    /// <inheritdoc />
    public Task CompleteAsync(CancellationToken cancellationToken)
    {
        // The node uses a write-ahead log. The file says so, and another process may read it before the first node has started on it.
        Execute("PRAGMA journal_mode=WAL");
        _connection.Dispose();
        var file = Path.Combine(Part, SqliteSchema.FileName);
        using (var database = new FileStream(file, FileMode.Open, FileAccess.ReadWrite)) database.Flush(flushToDisk: true);
        MoveBlobs();
        File.Move(file, Path.Combine(_directory, SqliteSchema.FileName), overwrite: false);
        // The mark of a database that was moved away would make the node refuse this one. Before the move, its loss could hide that a database is missing.
        SqliteMark.Reset(_directory);
        _isComplete = true;
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _writer.Dispose();
        _connection.Dispose();
        DeletePart(_directory);
        if (!_isComplete) _removeLock();
        _lock.Dispose();
        return ValueTask.CompletedTask;
    }

    // A folder may be left of a database that was moved away. Its files are named by their content, so they do not differ.
    private void MoveBlobs()
    {
        if (!Directory.Exists(PartBlobs)) return;
        var blobs = Path.Combine(_directory, FileBlobStore.FolderName);
        foreach (var folder in new DirectoryInfo(PartBlobs).GetDirectories())
        {
            var target = Path.Combine(blobs, folder.Name);
            DataFolder.CreateFolder(target);
            foreach (var file in folder.GetFiles()) file.MoveTo(Path.Combine(target, file.Name), overwrite: true);
        }
    }

    private static void DeletePart(string directory)
    {
        var part = Path.Combine(directory, PartFolder);
        if (Directory.Exists(part)) Directory.Delete(part, recursive: true);
    }

    private List<string> RemoveIndexes()
    {
        var found = new List<(string Name, string Sql)>();
        using (var command = _connection.CreateCommand())
        {
            command.CommandText = "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL";
            using var row = command.ExecuteReader();
            while (row.Read()) found.Add((row.GetString(0), row.GetString(1)));
        }
        foreach (var (name, _) in found) Execute($"DROP INDEX \"{name}\"");
        return [.. found.Select(index => index.Sql)];
    }

    private void Execute(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
