using Microsoft.Data.Sqlite;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>What a storage or a backup file contained at one moment.</summary>
public interface IStoreSource : IAsyncDisposable
{
    /// <summary>Where the rows come from.</summary>
    StoreOrigin Origin { get; }

    /// <summary>Blobs that were not read, because their content is damaged. Complete when all rows are read.</summary>
    IReadOnlyList<string> DamagedBlobs { get; }

    /// <summary>Reads all rows of that moment, ordered by kind, and then by their keys as UTF-8 bytes. Can be called once.</summary>
    IAsyncEnumerable<StoredRow> ReadAsync(CancellationToken cancellationToken);
}

/// <summary>
/// An empty storage or a new backup file. Before <see cref="CompleteAsync"/> nothing of it can be used; disposing it then leaves nothing behind.
/// </summary>
public interface IStoreTarget : IAsyncDisposable
{
    /// <summary>Changes what this storage cannot store exactly, such as the range of versions.</summary>
    StoredRow Adapt(StoredRow row);

    /// <summary>Writes the next row, in the order of <see cref="IStoreSource.ReadAsync"/>.</summary>
    ValueTask WriteAsync(StoredRow row, CancellationToken cancellationToken);

    /// <summary>Ends writing, and reads all rows again from where they were written, in the same order.</summary>
    IAsyncEnumerable<StoredRow> ReadBackAsync(CancellationToken cancellationToken);

    /// <summary>Makes the rows usable, all at once.</summary>
    Task CompleteAsync(CancellationToken cancellationToken);
}

/// <summary>Where rows come from.</summary>
/// <param name="Kind"><c>sqlite</c> or <c>postgresql</c>.</param>
/// <param name="Schema">The version of the tables. Rows of another version are not understood.</param>
/// <param name="ServiceId">The service id of the cluster; null for a single node.</param>
public sealed record StoreOrigin(string Kind, long Schema, string? ServiceId)
{
    internal const string Sqlite = "sqlite";
    internal const string PostgreSql = "postgresql";
}

/// <summary>Copies a storage: a move, a backup or a restore, depending on the two ends.</summary>
public static class StoreCopy
{
    /// <summary>Copies all rows, reads them again from the target, compares, and then makes them usable. Needs memory for a few rows and one blob.</summary>
    /// <returns>How much was copied.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: one end failed, or the target returns something else than was written.</exception>
    public static async Task<StoreCounts> RunAsync(IStoreSource source, IStoreTarget target, CancellationToken cancellationToken = default)
    {
        try
        {
            using var written = new RowDigest();
            await foreach (var row in source.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                cancellationToken.ThrowIfCancellationRequested();
                var adapted = target.Adapt(row);
                written.Add(adapted);
                await target.WriteAsync(adapted, cancellationToken).ConfigureAwait(false);
            }
            using var stored = new RowDigest();
            await foreach (var row in target.ReadBackAsync(cancellationToken).ConfigureAwait(false)) stored.Add(row);
            if (written.FindDifference(stored) is { } kind)
            {
                throw new ClusterException(
                    ErrorCode.Internal, $"Rows of the kind {kind} are read again with another content than was written. Nothing was copied.");
            }
            await target.CompleteAsync(cancellationToken).ConfigureAwait(false);
            return written.Counts;
        }
        catch (Exception e) when (e is SqliteException or NpgsqlException or IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.Internal, $"Nothing was copied: {e.Message}", inner: e);
        }
    }
}
