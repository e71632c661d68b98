using Npgsql;

namespace CozeCluster.Storage;

/// <summary>Options for the storage of a cluster. States and reminders belong to the service id of Orleans' <c>ClusterOptions</c>, blobs to tenants.</summary>
public sealed class PostgresStorageOptions
{
    /// <summary>The database that all nodes share. <see cref="PostgresSchema"/> must have been applied to it. Required.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>
    /// Whether a save of a state waits for the disk of the database server. If false, a save still survives a crash of every node, but a crash of the database
    /// server loses the saves of its last 0.6 s or so. Default true.
    /// </summary>
    public bool SavesWaitForDisk { get; set; } = true;

    /// <summary>How long blobs are stored, at least one hour. Default 2 hours.</summary>
    public TimeSpan BlobLifetime { get; set; } = TimeSpan.FromHours(2);

    internal void Verify()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(ConnectionString);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlobLifetime, TimeSpan.FromHours(1));
    }
}

/// <summary>The connections of this process to the database.</summary>
internal sealed class PostgresDatabase : IFailingStorage, IAsyncDisposable
{
    public PostgresDatabase(PostgresStorageOptions options)
    {
        var connectionString = ConnectionStrings.WithDefaults(options.ConnectionString);
        Source = NpgsqlDataSource.Create(connectionString);
        States = options.SavesWaitForDisk ? Source : NpgsqlDataSource.Create(ConnectionStrings.WithoutDisk(connectionString));
    }

    /// <summary>Connections for reminders, blobs and expiration. These are few, and always wait for the disk.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>Connections for grain states; the same as <see cref="Source"/> if saves wait for the disk.</summary>
    public NpgsqlDataSource States { get; }

    /// <inheritdoc />
    public Action? Failed { get; set; }

    /// <summary>
    /// Runs an operation on the database, and calls <see cref="Failed"/> if the database refuses it. A conflict of versions is not a failure.
    /// </summary>
    public async Task<T> WatchAsync<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (NpgsqlException e) when (!PostgresRows.IsConflict(e))
        {
            Failed?.Invoke();
            throw;
        }
    }

    /// <inheritdoc cref="WatchAsync{T}"/>
    public Task WatchAsync(Func<Task> operation) => WatchAsync(async () =>
    {
        await operation().ConfigureAwait(false);
        return true;
    });

    public async ValueTask DisposeAsync()
    {
        await States.DisposeAsync().ConfigureAwait(false);
        await Source.DisposeAsync().ConfigureAwait(false);
    }
}
