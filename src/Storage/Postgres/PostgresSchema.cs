using Npgsql;

namespace CozeCluster.Storage;

/// <summary>The tables and statements that silos expect in PostgreSQL, for storage, reminders and membership.</summary>
public static class PostgresSchema
{
    /// <summary>The version in <c>schema.sql</c>. It grows only with a change that builds of the version before cannot work with.</summary>
    private const int Version = 1;

    /// <summary>Any number: whoever applies the schema holds the advisory lock of it, so that several nodes may apply it at once.</summary>
    private const long Lock = 0x436f7a65_4f726c65;

    /// <summary>Creates what is missing and updates the statements. Applied again, nothing changes. In one transaction.</summary>
    /// <param name="connectionString">The database; its user may create tables there.</param>
    /// <param name="cancellationToken">Cancels; nothing has changed.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the database cannot be reached or refuses, or an older or newer build has set it up.</exception>
    public static async Task ApplyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({Lock})", cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, Read(), cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.RaiseException)
        {
            throw new ClusterException(ErrorCode.Internal, e.MessageText, inner: e);
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The schema could not be applied: {e.Message}", inner: e);
        }
    }

    /// <summary>Verifies that the database can be reached and has the schema of this build.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: it says what is missing.</exception>
    public static async Task VerifyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var check = source.CreateCommand("SELECT to_regclass('OrleansQuery') IS NOT NULL, to_regclass('CozeSchema') IS NOT NULL");
            await using (var row = await check.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
            {
                await row.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (!row.GetBoolean(0)) throw Refuse("The database has no tables of the cluster. Apply the schema first.");
                if (!row.GetBoolean(1)) throw Refuse("An older build has set up this database. Use another, empty database.");
            }
            await using var version = source.CreateCommand("SELECT max(Version) FROM CozeSchema");
            var found = await version.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as int?;
            if (found == Version) return;
            var action = found > Version ? "Run the newer program." : "Apply the schema first.";
            throw Refuse($"The database has schema version {found}; this program knows {Version}. {action}");
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database cannot be used: {e.Message}", inner: e);
        }
    }

    /// <summary>The statements, for an operator who applies them with <c>psql --single-transaction</c>.</summary>
    public static string Read()
    {
        using var stream = typeof(PostgresSchema).Assembly.GetManifestResourceStream("schema.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static ClusterException Refuse(string message) => new(ErrorCode.Internal, message);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // Without parameters Npgsql does not take the @names inside the text of the stored statements for parameters of its own.
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
