using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Storage;

/// <summary>Stores in a cluster's database what a node has stored: see <see cref="SqliteExport"/>.</summary>
public static class PostgresImport
{
    /// <summary>Imports everything in one transaction, or nothing.</summary>
    /// <param name="connectionString">The database. <see cref="PostgresSchema"/> must have been applied to it.</param>
    /// <param name="serviceId">The cluster's service id (<c>ClusterOptions.ServiceId</c> of Orleans).</param>
    /// <param name="states">
    /// The states, each once, ordered by state name and key. They are read twice: when all are stored, they are compared with what the database returns.
    /// </param>
    /// <param name="reminders">The reminders, each once.</param>
    /// <param name="blobs">The blobs. They are opened and written one after another.</param>
    /// <param name="cancellationToken">Cancels the import; then nothing is stored.</param>
    /// <returns>How much was imported.</returns>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: the cluster has stored states already. <see cref="ErrorCode.Internal"/>: the database cannot be used.
    /// </exception>
    public static async Task<ImportCounts> RunAsync(
        string connectionString,
        string serviceId,
        IEnumerable<ExportedState> states,
        IEnumerable<ExportedReminder> reminders,
        IEnumerable<ExportedBlob> blobs,
        CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken);
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await RequireEmptyAsync(connection, serviceId, cancellationToken);
            var counts = new ImportCounts(
                await WriteStatesAsync(connection, serviceId, states, cancellationToken),
                await WriteRemindersAsync(connection, serviceId, reminders, cancellationToken),
                await WriteBlobsAsync(connection, blobs, cancellationToken));
            await VerifyAsync(connection, serviceId, states, counts.Reminders, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return counts;
        }
        catch (NpgsqlException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database refused the import, and nothing was moved: {e.Message}", inner: e);
        }
    }

    private static async Task RequireEmptyAsync(NpgsqlConnection connection, string serviceId, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM OrleansStorage WHERE ServiceId = $1)", connection);
        command.Parameters.Add(new() { Value = serviceId });
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
        {
            throw new ClusterException(
                ErrorCode.StateConflict,
                $"The cluster {serviceId} has stored states already. Only an empty cluster can take the data of a node: use another cluster id or database.");
        }
    }

    private static async Task<long> WriteStatesAsync(
        NpgsqlConnection connection, string serviceId, IEnumerable<ExportedState> states, CancellationToken cancellationToken)
    {
        var count = 0L;
        await using var writer = await connection.BeginBinaryImportAsync(
            "COPY OrleansStorage (ServiceId, GrainTypeString, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version) FROM STDIN (FORMAT BINARY)",
            cancellationToken);
        foreach (var state in states)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(serviceId, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(state.StateName, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(PostgresGrainStorage.ToStoredKey(state.Key), NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(state.Payload, NpgsqlDbType.Bytea, cancellationToken);
            await writer.WriteAsync(state.UpdatedAt.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await writer.WriteAsync(1, NpgsqlDbType.Integer, cancellationToken);
            count++;
        }
        await writer.CompleteAsync(cancellationToken);
        return count;
    }

    private static async Task<long> WriteRemindersAsync(
        NpgsqlConnection connection, string serviceId, IEnumerable<ExportedReminder> reminders, CancellationToken cancellationToken)
    {
        var count = 0L;
        await using var writer = await connection.BeginBinaryImportAsync(
            "COPY OrleansRemindersTable (ServiceId, GrainId, ReminderName, GrainHash, StartTime, Period) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var reminder in reminders)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(serviceId, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(reminder.Grain.ToString(), NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(reminder.Name, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync((int)reminder.Grain.GetUniformHashCode(), NpgsqlDbType.Integer, cancellationToken);
            await writer.WriteAsync(reminder.StartAt.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await writer.WriteAsync((long)reminder.Period.TotalMilliseconds, NpgsqlDbType.Bigint, cancellationToken);
            count++;
        }
        await writer.CompleteAsync(cancellationToken);
        return count;
    }

    // Blobs belong to tenants, not to a cluster: another cluster in the same database may have stored the same blob.
    private static async Task<long> WriteBlobsAsync(NpgsqlConnection connection, IEnumerable<ExportedBlob> blobs, CancellationToken cancellationToken)
    {
        var count = 0L;
        foreach (var blob in blobs)
        {
            await using var content = blob.Open();
            await using var command = new NpgsqlCommand(
                """
                INSERT INTO CozeBlobs (Id, Content, ExpiresOn) VALUES ($1, $2, $3)
                ON CONFLICT (Id) DO UPDATE SET ExpiresOn = greatest(CozeBlobs.ExpiresOn, excluded.ExpiresOn)
                RETURNING sha256(Content)
                """,
                connection);
            command.Parameters.Add(new() { Value = blob.Id });
            command.Parameters.Add(new() { Value = content, NpgsqlDbType = NpgsqlDbType.Bytea });
            command.Parameters.Add(new() { Value = blob.ExpiresAt.UtcDateTime });
            // A blob's id contains a hash of its content.
            var isSame = await command.ExecuteScalarAsync(cancellationToken) is byte[] hash
                && blob.Id.EndsWith("." + GrainKeys.Encode(hash.AsSpan(0, 16)), StringComparison.Ordinal);
            if (!isSame) throw CreateDifference($"blob {blob.Id}");
            count++;
        }
        return count;
    }

    private static async Task VerifyAsync(
        NpgsqlConnection connection, string serviceId, IEnumerable<ExportedState> states, long reminders, CancellationToken cancellationToken)
    {
        await using (var command = new NpgsqlCommand("SELECT count(*) FROM OrleansRemindersTable WHERE ServiceId = $1", connection))
        {
            command.Parameters.Add(new() { Value = serviceId });
            if (await command.ExecuteScalarAsync(cancellationToken) is not long stored || stored != reminders) throw CreateDifference("reminders");
        }
        await using var all = new NpgsqlCommand(
            """
            SELECT GrainTypeString, GrainIdExtensionString, PayloadBinary FROM OrleansStorage WHERE ServiceId = $1
            ORDER BY GrainTypeString COLLATE "C", GrainIdExtensionString COLLATE "C"
            """,
            connection);
        all.Parameters.Add(new() { Value = serviceId });
        await using var row = await all.ExecuteReaderAsync(cancellationToken);
        foreach (var state in states)
        {
            var same = await row.ReadAsync(cancellationToken)
                && row.GetString(0) == state.StateName
                && row.GetString(1) == PostgresGrainStorage.ToStoredKey(state.Key)
                && row.GetFieldValue<byte[]>(2).AsSpan().SequenceEqual(state.Payload);
            if (!same) throw CreateDifference($"state {state.StateName} of {state.Key}");
        }
        if (await row.ReadAsync(cancellationToken)) throw CreateDifference("states");
    }

    private static ClusterException CreateDifference(string what) =>
        new(ErrorCode.Internal, $"The database does not return what was written ({what}), so nothing was moved.");
}

/// <summary>How much was imported.</summary>
/// <param name="States">The number of grain states.</param>
/// <param name="Reminders">The number of reminders.</param>
/// <param name="Blobs">The number of blobs, expired ones included.</param>
public sealed record ImportCounts(long States, long Reminders, long Blobs = 0);
