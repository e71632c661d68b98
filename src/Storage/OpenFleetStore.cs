using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The fleet in a storage, opened by a command. Disposing closes it.</summary>
public sealed class OpenFleetStore : IAsyncDisposable
{
    private readonly Func<ValueTask> _close;

    private OpenFleetStore(IFleetStore store, Func<ValueTask> close) => (Store, _close) = (store, close);

    /// <summary>The store.</summary>
    public IFleetStore Store { get; }

    /// <summary>Opens the data directory of a single node. No node can start on it meanwhile.</summary>
    /// <param name="directory">The directory.</param>
    /// <param name="time">The clock.</param>
    /// <param name="mustExist">Whether a directory without a database is an error. Otherwise the database is created.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the directory contains no database. <see cref="ErrorCode.Internal"/>: a node uses it, it is damaged, or another
    /// version wrote it.
    /// </exception>
    public static OpenFleetStore OpenFolder(string directory, TimeProvider time, bool mustExist = false)
    {
        if (mustExist && !File.Exists(Path.Combine(directory, SqliteSchema.FileName)))
            throw new ClusterException(ErrorCode.NotFound, $"The directory {directory} does not contain the database {SqliteSchema.FileName} of a node.");
        var store = new SqliteStore(new SqliteStorageOptions { DataDirectory = directory }, time, NullLogger<SqliteStore>.Instance);
        store.Open();
        return new(new SqliteFleetStore(store), () =>
        {
            store.Dispose();
            return ValueTask.CompletedTask;
        });
    }

    /// <summary>Opens the database of a cluster. Its nodes may run.</summary>
    /// <param name="connectionString">The database. <see cref="PostgresSchema"/> must have been applied to it.</param>
    /// <param name="serviceId">The cluster's service id.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database cannot be used.</exception>
    public static async Task<OpenFleetStore> OpenClusterAsync(string connectionString, string serviceId, CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken).ConfigureAwait(false);
        var database = new PostgresDatabase(new PostgresStorageOptions { ConnectionString = connectionString });
        return new(new PostgresFleetStore(database, Options.Create(new ClusterOptions { ServiceId = serviceId })), database.DisposeAsync);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _close();
}
