using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>Tests the storage of a cluster: a row is written to the table of the states, over a connection for states.</summary>
internal sealed class PostgresStorageProbe(PostgresDatabase database, IOptions<ClusterOptions> cluster) : IStorageProbe
{
    private const string StateName = "storage-probe";

    public async Task<string?> Check(CancellationToken cancellationToken)
    {
        try
        {
            await using var command = database.States.CreateCommand(
                """
                INSERT INTO OrleansStorage (ServiceId, GrainTypeString, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version)
                VALUES ($1, $2, $3, '', now(), 1)
                ON CONFLICT (ServiceId, GrainTypeString, GrainIdExtensionString) DO UPDATE SET ModifiedOn = now()
                """);
            command.Parameters.Add(new() { Value = cluster.Value.ServiceId });
            command.Parameters.Add(new() { Value = StateName });
            command.Parameters.Add(new() { Value = PostgresGrainStorage.ToStoredKey(StateName) });
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (PostgresException e)
        {
            return Describe(e);
        }
        catch (NpgsqlException e) when (e.InnerException is TimeoutException)
        {
            return "The database server does not answer in time.";
        }
        catch (NpgsqlException)
        {
            return "The database server cannot be reached. PostgreSQL must run, and accept connections from this node.";
        }
        catch (TimeoutException)
        {
            return "The database server does not answer in time.";
        }
    }

    private static string Describe(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.ReadOnlySqlTransaction => "The database is read-only. Connect to the primary server, or let the user of the node write.",
        PostgresErrorCodes.DiskFull => "The disk of the database server is full. Free space there.",
        PostgresErrorCodes.InsufficientPrivilege => "The user of this node may not write to the tables of the database.",
        PostgresErrorCodes.UndefinedTable => "The database does not contain the tables of CozeCluster. Apply the schema.",
        PostgresErrorCodes.InvalidCatalogName => "The database does not exist on its server.",
        PostgresErrorCodes.TooManyConnections => "The database server accepts no more connections.",
        PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CrashShutdown or PostgresErrorCodes.CannotConnectNow =>
            "The database server starts or stops.",
        ['2', '8', ..] => "The database server refuses the user or the password of this node.",
        _ => $"The database refuses to write (SQLSTATE {error.SqlState}).",
    };
}
