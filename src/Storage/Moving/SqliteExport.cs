using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Reads everything that a node has stored in its data directory, so that <see cref="PostgresImport"/> can store it in a cluster's database.</summary>
/// <remarks>No node can start on the directory while the export is open.</remarks>
public sealed class SqliteExport : IDisposable
{
    private readonly DirectoryLock _lock;
    private readonly SqliteConnection _connection;
    private readonly string _directory;

    private SqliteExport(DirectoryLock directoryLock, SqliteConnection connection, string directory) =>
        (_lock, _connection, _directory) = (directoryLock, connection, directory);

    /// <summary>Opens a data directory.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the directory contains no database. <see cref="ErrorCode.Internal"/>: a node uses the directory, the database is
    /// damaged, or another version wrote it.
    /// </exception>
    public static SqliteExport Open(string directory)
    {
        if (!File.Exists(Path.Combine(directory, SqliteSchema.FileName)))
            throw new ClusterException(ErrorCode.NotFound, $"The directory {directory} does not contain the database {SqliteSchema.FileName} of a node.");
        var directoryLock = DirectoryLock.Acquire(directory);
        var connection = new SqliteConnection(SqliteSchema.ConnectionString(directory));
        try
        {
            SqliteSchema.Open(connection, Durability.Process);
            return new SqliteExport(directoryLock, connection, directory);
        }
        catch
        {
            connection.Dispose();
            directoryLock.Dispose();
            throw;
        }
    }

    /// <summary>Reads all states, ordered by state name and key.</summary>
    public IEnumerable<ExportedState> ReadStates()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT state, key, updated_at, payload FROM grain_state ORDER BY state, key";
        using var row = command.ExecuteReader();
        while (row.Read())
            yield return new(row.GetString(0), row.GetString(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)), row.GetFieldValue<byte[]>(3));
    }

    /// <summary>Reads all reminders.</summary>
    public IEnumerable<ExportedReminder> ReadReminders()
    {
        using var reader = new SqliteReadStatements(_connection.ConnectionString);
        // A range that begins where it ends is the whole ring of hashes.
        foreach (var reminder in reader.ReadReminders(0, 0)) yield return new(reminder.Grain, reminder.Name, reminder.StartAt, reminder.Period);
    }

    /// <summary>Reads all blobs.</summary>
    public IEnumerable<ExportedBlob> ReadBlobs() => FileBlobStore.ReadAll(Path.Combine(_directory, FileBlobStore.FolderName));

    /// <inheritdoc />
    public void Dispose()
    {
        _connection.Dispose();
        _lock.Dispose();
    }
}

/// <summary>A stored state that is moved to another storage.</summary>
/// <param name="StateName">The name of the persistent state.</param>
/// <param name="Key">The grain's key.</param>
/// <param name="UpdatedAt">When the state was last saved.</param>
/// <param name="Payload">The state as the grain storage serializer wrote it.</param>
public sealed record ExportedState(string StateName, string Key, DateTimeOffset UpdatedAt, byte[] Payload);

/// <summary>A reminder that is moved to another storage.</summary>
/// <param name="Grain">The grain's type and key.</param>
/// <param name="Name">The reminder's name.</param>
/// <param name="StartAt">When the reminder is due for the first time; after that it is due every <paramref name="Period"/>.</param>
/// <param name="Period">The time between two calls.</param>
public sealed record ExportedReminder(GrainId Grain, string Name, DateTimeOffset StartAt, TimeSpan Period);

/// <summary>A blob that is moved to another storage.</summary>
/// <param name="Id">Its <see cref="BlobRef.Id"/>: a hash of the tenant and a hash of the content, the same in all storages.</param>
/// <param name="ExpiresAt">When the blob expires.</param>
/// <param name="Open">Opens the bytes.</param>
public sealed record ExportedBlob(string Id, DateTimeOffset ExpiresAt, Func<Stream> Open);
