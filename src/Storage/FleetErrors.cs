using Microsoft.Data.Sqlite;
using Npgsql;

namespace CozeCluster.Storage;

/// <summary>The errors that the catalog receives from both storages.</summary>
internal static class FleetErrors
{
    /// <summary>Runs an operation on the rows of the fleet, and translates the exceptions of the database.</summary>
    public static async Task<T> Translate<T>(Func<Task<T>> operation)
    {
        try
        {
            return await operation().ConfigureAwait(false);
        }
        catch (NpgsqlException e) when (e.IsTransient)
        {
            throw new ClusterException(ErrorCode.CallRejected, "The database cannot be reached. Retry.", inner: e);
        }
        catch (SqliteException e)
        {
            throw SqliteFaults.ToClusterException(e, "The database could not read or write the fleet.");
        }
        catch (NpgsqlException e)
        {
            throw new ClusterException(ErrorCode.Internal, "The database could not read or write the fleet. See the log of the node.", inner: e);
        }
    }

    /// <summary>Another version of the fleet is stored.</summary>
    public static ClusterException Conflict() => new(ErrorCode.StateConflict, "Another request changed the fleet at the same time. Retry.");
}
