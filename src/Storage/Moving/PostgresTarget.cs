using System.Runtime.CompilerServices;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>A cluster that has stored nothing. One transaction writes everything.</summary>
public sealed class PostgresTarget : IStoreTarget
{
    private readonly NpgsqlDataSource _database;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;
    private readonly string _serviceId;
    private readonly PostgresTables.Writer _rows;
    private readonly PostgresBlobs.Writer _blobs;

    private PostgresTarget(NpgsqlDataSource database, NpgsqlConnection connection, NpgsqlTransaction transaction, string serviceId)
    {
        (_database, _connection, _transaction, _serviceId) = (database, connection, transaction, serviceId);
        _rows = new(connection, serviceId);
        _blobs = new(connection);
    }

    /// <summary>Connects to a database, and verifies that the cluster is empty and that none of its nodes runs.</summary>
    /// <param name="connectionString">The database. <see cref="PostgresSchema"/> must have been applied to it.</param>
    /// <param name="serviceId">The cluster's service id and cluster id (<c>ClusterOptions</c> of Orleans).</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: the cluster has stored something already, or nodes run. <see cref="ErrorCode.Internal"/>: the database cannot be
    /// used.
    /// </exception>
    public static async Task<PostgresTarget> OpenAsync(string connectionString, string serviceId, CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken).ConfigureAwait(false);
        var database = NpgsqlDataSource.Create(connectionString);
        var connection = database.CreateConnection();
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            if (await PostgresTables.ExistAsync(connection, serviceId, cancellationToken).ConfigureAwait(false))
                throw CreateConflict($"The cluster {serviceId} has stored something already. Use another cluster id, or an empty database.");
            if (await NodesRunAsync(connection, serviceId, cancellationToken).ConfigureAwait(false))
                throw CreateConflict($"Nodes of the cluster {serviceId} are running, or ended less than two minutes ago without leaving it. Stop them first.");
            return new(database, connection, transaction, serviceId);
        }
        catch (Exception e)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            await database.DisposeAsync().ConfigureAwait(false);
            if (e is not NpgsqlException) throw;
            throw new ClusterException(ErrorCode.Internal, $"The database cannot be used: {e.Message}", inner: e);
        }
    }

    /// <inheritdoc />
    public StoredRow Adapt(StoredRow row) => PostgresTables.Adapt(row);

    /// <inheritdoc />
    public async ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken)
    {
        if (row.Kind == RowKind.Blob)
        {
            await _rows.CloseAsync(cancellationToken).ConfigureAwait(false);
            await _blobs.WriteAsync(row, cancellationToken).ConfigureAwait(false);
            return;
        }
        await _rows.WriteAsync(row, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<StoredRow> ReadBackAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await _rows.CloseAsync(cancellationToken).ConfigureAwait(false);
        await foreach (var row in PostgresTables.ReadAsync(_connection, _serviceId, cancellationToken).ConfigureAwait(false)) yield return row;
        await foreach (var row in _blobs.ReadBackAsync(cancellationToken).ConfigureAwait(false)) yield return row;
    }

    /// <inheritdoc />
    public Task CompleteAsync(CancellationToken cancellationToken) => _transaction.CommitAsync(cancellationToken);

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _rows.DisposeAsync().ConfigureAwait(false);
        await _transaction.DisposeAsync().ConfigureAwait(false);
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
    }

    private static ClusterException CreateConflict(string message) => new(ErrorCode.StateConflict, message);

    // Status 3 is an active silo. It reports every 30 seconds that it is alive.
    private static async Task<bool> NodesRunAsync(NpgsqlConnection connection, string clusterId, CancellationToken cancellationToken)
    {
        await using var command = PostgresTables.CreateCommand(
            connection,
            """
            SELECT EXISTS (SELECT 1 FROM OrleansMembershipTable WHERE DeploymentId = $1 AND Status = 3 AND IAmAliveTime > now() - interval '2 minutes')
            """,
            clusterId);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) is true;
    }
}
