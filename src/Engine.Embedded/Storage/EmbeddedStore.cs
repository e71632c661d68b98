using Microsoft.Data.Sqlite;

namespace CozeCluster.Engine.Embedded;

/// <summary>What a node has stored in its data directory, for moving it elsewhere. Keeps nodes from starting on it meanwhile.</summary>
public sealed class EmbeddedStore : IDisposable
{
    private readonly DirectoryLock _lock;
    private readonly SqliteConnection _connection;
    private readonly string _directory;

    private EmbeddedStore(DirectoryLock @lock, SqliteConnection connection, string directory) => (_lock, _connection, _directory) = (@lock, connection, directory);

    /// <summary>Opens what is stored in a data directory.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.NotFound"/>: nothing is. <see cref="ErrorCode.Internal"/>: a node runs on it, it is damaged, or a newer version wrote it.</exception>
    public static EmbeddedStore Open(string directory)
    {
        var file = Path.Combine(directory, Schema.FileName);
        if (!File.Exists(file)) throw new ClusterException(ErrorCode.NotFound, $"There is no {Schema.FileName} in {directory}.");
        SQLitePCL.Batteries_V2.Init();
        var held = DirectoryLock.Take(directory);
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        try
        {
            Schema.Open(connection, Durability.Process);
            return new EmbeddedStore(held, connection, directory);
        }
        catch
        {
            connection.Dispose();
            held.Dispose();
            throw;
        }
    }

    /// <summary>Every state, one after another.</summary>
    public IEnumerable<MovedState> ReadStates()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT kind, key, updated_at, payload FROM grain_state ORDER BY kind, key";
        using var row = command.ExecuteReader();
        while (row.Read())
            yield return new(row.GetString(0), row.GetString(1), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(2)), row.GetFieldValue<byte[]>(3));
    }

    /// <summary>Every reminder.</summary>
    public IEnumerable<MovedReminder> ReadReminders() => StoredReminder.ReadAll(_connection).Select(reminder => new MovedReminder(
        reminder.Kind, reminder.Key, reminder.Name, DateTimeOffset.FromUnixTimeMilliseconds(reminder.Due), TimeSpan.FromMilliseconds(reminder.Period)));

    /// <summary>Every blob, one after another.</summary>
    public IEnumerable<MovedBlob> ReadBlobs() => FileBlobStore.ReadAll(Path.Combine(_directory, FileBlobStore.FolderName));

    /// <inheritdoc />
    public void Dispose()
    {
        _connection.Dispose();
        _lock.Dispose();
    }
}
