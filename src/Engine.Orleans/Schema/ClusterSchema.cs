using Npgsql;

namespace CozeCluster.Engine.Orleans;

/// <summary>The tables and statements that the engine expects in PostgreSQL.</summary>
public static class ClusterSchema
{
    /// <summary>Any number: whoever applies the schema holds the advisory lock of it, so that nodes may do so at once.</summary>
    private const long Lock = 0x436f7a65_4f726c65;

    /// <summary>Creates what is missing and brings what is there up to date; on a database that is so already, nothing changes. In one transaction.</summary>
    /// <param name="connectionString">Of the database; its user may create tables there.</param>
    /// <param name="cancellationToken">Gives up; nothing has changed.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database cannot be reached or refuses.</exception>
    public static async Task ApplyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({Lock})", cancellationToken);
            await ExecuteAsync(connection, Read(), cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The schema could not be applied: {e.Message}", inner: e);
        }
    }

    /// <summary>Looks whether the database is there and <see cref="ApplyAsync"/> has been run.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: it tells what is missing.</exception>
    public static async Task VerifyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var command = source.CreateCommand("SELECT count(*) FROM OrleansQuery");
            await command.ExecuteScalarAsync(cancellationToken);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            throw new ClusterException(ErrorCode.Internal, "The database has no tables of the cluster. Apply the schema first.", inner: e);
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database cannot be used: {e.Message}", inner: e);
        }
    }

    /// <summary>The statements, for who applies them by other means (<c>psql</c>).</summary>
    public static string Read()
    {
        using var stream = typeof(ClusterSchema).Assembly.GetManifestResourceStream("schema.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // Prepared or not: Npgsql must not take the @names in the statements' text for parameters of its own, and does not where there are none.
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
