using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Tests the storage of a single node: its files are at their paths, and a small write is committed.</summary>
internal sealed class SqliteStorageProbe(SqliteStore store) : IStorageProbe
{
    public async Task<string?> Check(CancellationToken cancellationToken)
    {
        try
        {
            return await store.SetMark(allocates: true).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.InnerException is SqliteException error)
        {
            return SqliteFaults.Describe(error, store.DatabasePath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return $"The data directory cannot be written to: {e.Message}";
        }
    }
}
