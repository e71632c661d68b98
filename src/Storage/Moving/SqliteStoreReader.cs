using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>All that a node has stored in its data directory, for moving it elsewhere. No node can start on the directory meanwhile.</summary>
public sealed class SqliteStoreReader : IDisposable
{
    private readonly DirectoryLock _lock;
    private readonly SqliteConnection _connection;
    private readonly string _directory;

    private SqliteStoreReader(DirectoryLock @lock, SqliteConnection connection, string directory) => (_lock, _connection, _directory) = (@lock, connection, directory);

    /// <summary>Opens a data directory.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: nothing is stored there. <see cref="ErrorCode.Internal"/>: a node runs on it, it is damaged, or another version wrote it.
    /// </exception>
    public static SqliteStoreReader Open(string directory)
    {
        if (!File.Exists(Path.Combine(directory, SqliteSchema.FileName)))
            throw new ClusterException(ErrorCode.NotFound, $"There is no {SqliteSchema.FileName} in {directory}.");
        var held = DirectoryLock.Take(directory);
        var connection = new SqliteConnection(SqliteSchema.ConnectionString(directory));
        try
        {
            SqliteSchema.Open(connection, Durability.Process);
            return new SqliteStoreReader(held, connection, directory);
        }
        catch
        {
            connection.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Every state, ordered by state name and key.</summary>
    public IEnumerable<MovedState> ReadStates()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT state, key, updated_at, payload FROM grain_state ORDER BY state, key";
        using var row = command.ExecuteReader();
        while (row.Read())
            yield return new(row.GetString(0), row.GetString(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)), row.GetFieldValue<byte[]>(3));
    }

    /// <summary>Every reminder.</summary>
    public IEnumerable<MovedReminder> ReadReminders()
    {
        using var reader = new StoreReader(_connection.ConnectionString);
        // The range that begins where it ends is the whole ring.
        foreach (var reminder in reader.ReadReminders(0, 0)) yield return new(reminder.Grain, reminder.Name, reminder.StartAt, reminder.Period);
    }

    /// <summary>Every blob.</summary>
    public IEnumerable<MovedBlob> ReadBlobs() => FileBlobStore.ReadAll(Path.Combine(_directory, FileBlobStore.FolderName));

    /// <inheritdoc />
    public void Dispose()
    {
        _connection.Dispose();
        _lock.Dispose();
    }
}
