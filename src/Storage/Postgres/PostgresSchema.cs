using Npgsql;

namespace CozeCluster.Storage;

/// <summary>The tables and statements that silos need in PostgreSQL: for states, conversations, reminders, blobs and membership.</summary>
public static class PostgresSchema
{
    /// <summary>
    /// The version in <c>schema.sql</c>. It increases only when builds of the previous version cannot work with a change. A database with another version is
    /// refused.
    /// </summary>
    internal const int Version = 5;

    /// <summary>
    /// An arbitrary number. A process that applies the schema holds the advisory lock with this number, so that several can do it at the same time.
    /// </summary>
    private const long LockNumber = 0x436f7a65_4f726c65;

    /// <summary>Creates what is missing and updates the statements, in one transaction. Applying the schema again changes nothing.</summary>
    /// <param name="connectionString">The database. Its user must be allowed to create tables.</param>
    /// <param name="cancellationToken">Cancels; then nothing has changed.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.Internal"/>: the database cannot be reached, refuses a statement, or was set up by an older or newer build.
    /// </exception>
    public static async Task ApplyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await ExecuteAsync(connection, $"SELECT pg_advisory_xact_lock({LockNumber})", cancellationToken).ConfigureAwait(false);
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
    /// <exception cref="ClusterException"><see cref="ErrorCode.Internal"/>: the message says what is wrong and what to do.</exception>
    public static async Task VerifyAsync(string connectionString, CancellationToken cancellationToken = default)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var check = source.CreateCommand("SELECT to_regclass('OrleansQuery') IS NOT NULL, to_regclass('CozeSchema') IS NOT NULL");
            await using (var row = await check.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false))
            {
                await row.ReadAsync(cancellationToken).ConfigureAwait(false);
                if (!row.GetBoolean(0)) throw CreateError("The database does not contain the tables of CozeCluster. Apply the schema first.");
                if (!row.GetBoolean(1)) throw CreateError("An older build has set up this database. Use another, empty database.");
            }
            await using var version = source.CreateCommand("SELECT max(Version) FROM CozeSchema");
            var found = await version.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as int?;
            if (found == Version) return;
            var action = found > Version ? "Run the newer build." : "An older build has set it up: use another, empty database.";
            throw CreateError($"The database has schema version {found}, but this build supports version {Version}. {action}");
        }
        catch (Exception e) when (e is NpgsqlException or ArgumentException)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database cannot be used: {e.Message}", inner: e);
        }
    }

    /// <summary>Reads <c>schema.sql</c>. An operator can apply it with <c>psql --single-transaction</c> too.</summary>
    public static string Read()
    {
        using var stream = typeof(PostgresSchema).Assembly.GetManifestResourceStream("schema.sql")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    private static ClusterException CreateError(string message) => new(ErrorCode.Internal, message);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        // The command has no parameters: otherwise Npgsql would replace the @names inside the stored statements.
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }
}
