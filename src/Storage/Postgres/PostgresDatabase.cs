using Npgsql;

namespace CozeCluster.Storage;

/// <summary>The connections of this process to the database.</summary>
internal sealed class PostgresDatabase : IAsyncDisposable
{
    public PostgresDatabase(PostgresStorageOptions options)
    {
        var connectionString = ConnectionStrings.WithDefaults(options.ConnectionString);
        Source = NpgsqlDataSource.Create(connectionString);
        States = options.SavesWaitForDisk ? Source : NpgsqlDataSource.Create(ConnectionStrings.WithoutDisk(connectionString));
    }

    /// <summary>For reminders, blobs and housekeeping: they are few, and wait for the disk in any case.</summary>
    public NpgsqlDataSource Source { get; }

    /// <summary>For grain states; the same as <see cref="Source"/> where their saves wait for the disk.</summary>
    public NpgsqlDataSource States { get; }

    public async ValueTask DisposeAsync()
    {
        await States.DisposeAsync().ConfigureAwait(false);
        await Source.DisposeAsync().ConfigureAwait(false);
    }
}
