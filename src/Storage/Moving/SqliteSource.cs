using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>What a node has stored in its data directory: one moment of the database, then the blobs that have not expired meanwhile.</summary>
public sealed class SqliteSource : IStoreSource
{
    private readonly DirectoryLock? _lock;
    private readonly SqliteConnection _connection;
    private readonly string _directory;
    private readonly TimeProvider _time;
    private readonly List<string> _damagedBlobs = [];

    private SqliteSource(DirectoryLock? directoryLock, SqliteConnection connection, string directory, TimeProvider time) =>
        (_lock, _connection, _directory, _time) = (directoryLock, connection, directory, time);

    /// <inheritdoc />
    public StoreOrigin Origin { get; } = new(StoreOrigin.Sqlite, SqliteSchema.Version, null);

    /// <inheritdoc />
    public IReadOnlyList<string> DamagedBlobs => _damagedBlobs;

    /// <summary>
    /// Opens a data directory while a node may use it. The moment is the time of this call. Writes of the node do not wait, but the database cannot move its
    /// write-ahead log into its file until the source is disposed, so the log grows.
    /// </summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="time">Tells which blobs have expired.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the directory contains no database. <see cref="ErrorCode.Internal"/>: the database is damaged, or another version
    /// wrote it.
    /// </exception>
    public static SqliteSource OpenOnline(string directory, TimeProvider time) => Open(directory, time, isExclusive: false);

    /// <summary>Opens a data directory that no node uses. No node can start on it until the source is disposed.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="time">Tells which blobs have expired.</param>
    /// <exception cref="ClusterException">As for <see cref="OpenOnline"/>; also <see cref="ErrorCode.Internal"/>: a node uses the directory.</exception>
    public static SqliteSource OpenExclusive(string directory, TimeProvider time) => Open(directory, time, isExclusive: true);

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var row in SqliteTables.Read(_connection)) yield return row;
        var blobs = FileBlobs.ReadAsync(Path.Combine(_directory, FileBlobStore.FolderName), _time.GetUtcNow(), _damagedBlobs, cancellationToken);
        await foreach (var row in blobs.ConfigureAwait(false)) yield return row;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _connection.Dispose();
        _lock?.Dispose();
        return ValueTask.CompletedTask;
    }

    private static SqliteSource Open(string directory, TimeProvider time, bool isExclusive)
    {
        var directoryLock = isExclusive && File.Exists(Path.Combine(directory, SqliteSchema.FileName)) ? DirectoryLock.Acquire(directory) : null;
        try
        {
            return new(directoryLock, SqliteSchema.OpenSnapshot(directory), directory, time);
        }
        catch
        {
            directoryLock?.Dispose();
            throw;
        }
    }
}
