using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Storage;

/// <summary>Fills the database of a cluster with what a node has stored.</summary>
public static class PostgresStoreWriter
{
    /// <summary>Takes over what a node has stored: all of it or nothing.</summary>
    /// <param name="connectionString">The database; <see cref="PostgresSchema"/> has been applied to it.</param>
    /// <param name="serviceId">The cluster's service id (<c>ClusterOptions.ServiceId</c> of Orleans).</param>
    /// <param name="states">States, each once, ordered by state name and key. Read twice: when all are stored, they are compared with what the database returns.</param>
    /// <param name="reminders">Reminders, each once.</param>
    /// <param name="blobs">Blobs, opened and written one after another.</param>
    /// <param name="cancellationToken">Cancels; nothing has been moved.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: the cluster has stored something already. <see cref="ErrorCode.Internal"/>: the database cannot be used.
    /// </exception>
    public static async Task<MovedCounts> FillAsync(
        string connectionString,
        string serviceId,
        IEnumerable<MovedState> states,
        IEnumerable<MovedReminder> reminders,
        IEnumerable<MovedBlob> blobs,
        CancellationToken cancellationToken = default)
    {
        await PostgresSchema.VerifyAsync(connectionString, cancellationToken);
        try
        {
            await using var source = NpgsqlDataSource.Create(connectionString);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await DemandEmptyAsync(connection, serviceId, cancellationToken);
            var counts = new MovedCounts(
                await WriteStatesAsync(connection, serviceId, states, cancellationToken),
                await WriteRemindersAsync(connection, serviceId, reminders, cancellationToken),
                await WriteBlobsAsync(connection, blobs, cancellationToken));
            await VerifyAsync(connection, serviceId, states, counts.Reminders, cancellationToken);
            await transaction.CommitAsync(cancellationToken);
            return counts;
        }
        catch (NpgsqlException e)
        {
            throw new ClusterException(ErrorCode.Internal, $"The database of the cluster refuses the move: {e.Message}", inner: e);
        }
    }

    private static async Task DemandEmptyAsync(NpgsqlConnection connection, string serviceId, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM OrleansStorage WHERE ServiceId = $1)", connection);
        command.Parameters.Add(new() { Value = serviceId });
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
            throw new ClusterException(ErrorCode.StateConflict, $"The cluster {serviceId} has stored something already; only an empty one can take over the data of a node.");
    }

    private static async Task<long> WriteStatesAsync(NpgsqlConnection connection, string serviceId, IEnumerable<MovedState> states, CancellationToken cancellationToken)
    {
        var count = 0L;
        await using var writer = await connection.BeginBinaryImportAsync(
            "COPY OrleansStorage (ServiceId, GrainTypeString, GrainIdExtensionString, PayloadBinary, ModifiedOn, Version) FROM STDIN (FORMAT BINARY)", cancellationToken);
        foreach (var state in states)
        {
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(serviceId, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(state.StateName, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(PostgresGrainStorage.StoredKey(state.Key), NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(state.Payload, NpgsqlDbType.Bytea, cancellationToken);
            await writer.WriteAsync(state.UpdatedAt.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await writer.WriteAsync(1, NpgsqlDbType.Integer, cancellationToken);
            count++;
        }
        await writer.CompleteAsync(cancellationToken);
        return count;
    }

    private static async Task<long> WriteRemindersAsync(NpgsqlConnection connection, string serviceId, IEnumerable<MovedReminder> reminders, CancellationToken cancellationToken)
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

    // Blobs belong to tenants, not to a cluster: another cluster in the same database may have the same ones.
    private static async Task<long> WriteBlobsAsync(NpgsqlConnection connection, IEnumerable<MovedBlob> blobs, CancellationToken cancellationToken)
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
            // Its id contains a hash of its content.
            if (await command.ExecuteScalarAsync(cancellationToken) is not byte[] hash || !blob.Id.EndsWith("." + GrainKeys.Encode(hash.AsSpan(0, 16)), StringComparison.Ordinal))
                throw Differs($"file {blob.Id}");
            count++;
        }
        return count;
    }

    private static async Task VerifyAsync(NpgsqlConnection connection, string serviceId, IEnumerable<MovedState> states, long reminders, CancellationToken cancellationToken)
    {
        await using (var command = new NpgsqlCommand("SELECT count(*) FROM OrleansRemindersTable WHERE ServiceId = $1", connection))
        {
            command.Parameters.Add(new() { Value = serviceId });
            if (await command.ExecuteScalarAsync(cancellationToken) is not long stored || stored != reminders) throw Differs("reminders");
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
                && row.GetString(1) == PostgresGrainStorage.StoredKey(state.Key)
                && row.GetFieldValue<byte[]>(2).AsSpan().SequenceEqual(state.Payload);
            if (!same) throw Differs($"{state.StateName} {state.Key}");
        }
        if (await row.ReadAsync(cancellationToken)) throw Differs("states");
    }

    private static ClusterException Differs(string what) => new(ErrorCode.Internal, $"The database does not return what was moved ({what}). Nothing has been moved.");
}
