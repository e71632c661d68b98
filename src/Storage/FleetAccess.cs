using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The stored fleet of a node or of a cluster, for commands: without a silo.</summary>
public sealed class FleetAccess : IAsyncDisposable
{
    private readonly Func<ValueTask> _close;

    private FleetAccess(IFleetStore store, Func<ValueTask> close) => (Store, _close) = (store, close);

    /// <summary>The rows of the fleet.</summary>
    public IFleetStore Store { get; }

    /// <summary>Opens the data directory of a single node. No node can start on it until the result is disposed.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the directory contains no database. <see cref="ErrorCode.Internal"/>: a node uses it, or it cannot be used.
    /// </exception>
    public static FleetAccess OpenSqlite(string directory, TimeProvider time)
    {
        if (!File.Exists(Path.Combine(directory, SqliteSchema.FileName)))
            throw new ClusterException(ErrorCode.NotFound, $"The directory {directory} does not contain the database {SqliteSchema.FileName} of a node.");
        var store = new SqliteStore(new SqliteStorageOptions { DataDirectory = directory }, time, NullLogger<SqliteStore>.Instance);
        store.Open();
        return new FleetAccess(new SqliteFleetStore(store), () =>
        {
            store.Dispose();
            return ValueTask.CompletedTask;
        });
    }

    /// <summary>Opens the database of a cluster, whose nodes may run.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="serviceId">The cluster's service id (<c>ClusterOptions.ServiceId</c> of Orleans).</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database cannot be used.</exception>
    public static async Task<FleetAccess> OpenPostgres(string connectionString, string serviceId, CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken).ConfigureAwait(false);
        var database = new PostgresDatabase(new PostgresStorageOptions { ConnectionString = connectionString });
        return new FleetAccess(new PostgresFleetStore(database, Options.Create(new ClusterOptions { ServiceId = serviceId })), database.DisposeAsync);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _close();
}
