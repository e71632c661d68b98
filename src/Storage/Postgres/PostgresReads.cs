using Npgsql;

namespace CozeCluster.Storage;

/// <summary>Reads with retries, and the errors that callers of reads and commits receive.</summary>
internal static class PostgresReads
{
    /// <summary>How many times a read is retried. If it fails, the activation fails, and Orleans delays the callers of the grain by 5 s.</summary>
    private const int MaxRetries = 2;

    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);

    /// <summary>Reads again if the connection is lost.</summary>
    /// <param name="read">Reads once.</param>
    /// <param name="time">Measures the delay between two reads.</param>
    /// <param name="cancellationToken">Ends the delay.</param>
    public static async Task<T> RetryAsync<T>(Func<Task<T>> read, TimeProvider time, CancellationToken cancellationToken = default)
    {
        for (var retries = 0; ; retries++)
        {
            try
            {
                return await read().ConfigureAwait(false);
            }
            // A timeout is transient too, but after it the callers have waited long enough.
            catch (NpgsqlException e) when (e is { IsTransient: true, InnerException: not TimeoutException } && retries < MaxRetries)
            {
                await Task.Delay(RetryDelay, time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Reads all rows of a command that can be executed again, each as an object.</summary>
    /// <exception cref="ClusterException">See <see cref="ToClusterException"/>.</exception>
    public static ValueTask<IReadOnlyList<T>> ReadAllAsync<T>(
        PostgresDatabase database, NpgsqlBatch batch, Func<NpgsqlDataReader, T> read, TimeProvider time, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<T>>(
            database,
            batch,
            async row =>
            {
                var all = new List<T>();
                while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) all.Add(read(row));
                return all;
            },
            time,
            cancellationToken);

    /// <summary>Reads rows of a command that can be executed again. The watch of the storage is notified if all attempts fail.</summary>
    /// <exception cref="ClusterException">See <see cref="ToClusterException"/>.</exception>
    public static async ValueTask<T> ReadAsync<T>(
        PostgresDatabase database, NpgsqlBatch batch, Func<NpgsqlDataReader, Task<T>> read, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var disposed = batch.ConfigureAwait(false);
        try
        {
            return await database.WatchAsync(() => RetryAsync(
                async () =>
                {
                    var reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                    await using var _ = reader.ConfigureAwait(false);
                    return await read(reader).ConfigureAwait(false);
                },
                time,
                cancellationToken)).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
        {
            throw ToClusterException(e);
        }
    }

    /// <summary>
    /// The error that a caller receives: <see cref="ErrorCode.Draining"/> if the connections are closed, <see cref="ErrorCode.CallRejected"/> if the database
    /// cannot be reached or a connection was lost, otherwise <see cref="ErrorCode.Internal"/>.
    /// </summary>
    public static ClusterException ToClusterException(Exception error) => error switch
    {
        ObjectDisposedException => StorageErrors.Draining(),
        NpgsqlException { IsTransient: true } => new(ErrorCode.CallRejected, "The database cannot be reached. Retry.", inner: error),
        _ => new(ErrorCode.Internal, "The database could not read or write a conversation. See the log of the node.", inner: error),
    };
}
