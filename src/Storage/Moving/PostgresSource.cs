using System.Runtime.CompilerServices;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>What a cluster has stored in its database at one moment. Nodes may write meanwhile.</summary>
public sealed class PostgresSource : IStoreSource
{
    private readonly NpgsqlDataSource _database;
    private readonly NpgsqlConnection _connection;
    private readonly string _serviceId;
    private readonly TimeProvider _time;
    private readonly List<string> _damagedBlobs = [];

    private PostgresSource(NpgsqlDataSource database, NpgsqlConnection connection, string serviceId, TimeProvider time)
    {
        (_database, _connection, _serviceId, _time) = (database, connection, serviceId, time);
        Origin = new(StoreOrigin.PostgreSql, PostgresSchema.Version, serviceId);
    }

    /// <inheritdoc />
    public StoreOrigin Origin { get; }

    /// <inheritdoc />
    public IReadOnlyList<string> DamagedBlobs => _damagedBlobs;

    /// <summary>Connects to a database, and begins the transaction that reads.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="serviceId">The cluster's service id (<c>ClusterOptions.ServiceId</c> of Orleans).</param>
    /// <param name="time">Tells which blobs have expired.</param>
    /// <param name="cancellationToken">Cancels.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.NotFound"/>: the cluster has stored nothing. <see cref="ErrorCode.Internal"/>: the database cannot be used.
    /// </exception>
    public static async Task<PostgresSource> OpenAsync(
        string connectionString, string serviceId, TimeProvider time, CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken).ConfigureAwait(false);
        var database = NpgsqlDataSource.Create(connectionString);
        var connection = database.CreateConnection();
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            // The first statement determines the moment.
            await using (var begin = PostgresTables.CreateCommand(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                await begin.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            if (!await PostgresTables.ExistAsync(connection, serviceId, cancellationToken).ConfigureAwait(false))
                throw new ClusterException(ErrorCode.NotFound, $"The database contains nothing of a cluster {serviceId}.");
            return new(database, connection, serviceId, time);
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
    public async IAsyncEnumerable<StoredRow> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var row in PostgresTables.ReadAsync(_connection, _serviceId, cancellationToken).ConfigureAwait(false)) yield return row;
        await foreach (var row in PostgresBlobs.ReadAsync(_connection, _time.GetUtcNow(), _damagedBlobs, cancellationToken).ConfigureAwait(false))
            yield return row;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
    }
}
