using Npgsql;
using NpgsqlTypes;

namespace CozeCluster.Engine.Orleans;

/// <summary>How much was moved.</summary>
public sealed record MovedCounts(long States, long Reminders, long Blobs = 0);

/// <summary>The store of a cluster, seen from outside.</summary>
public static class ClusterStore
{
    /// <summary>Takes over what another engine has stored: all of it or nothing.</summary>
    /// <param name="connectionString">The database; <see cref="ClusterSchema"/> has been applied to it.</param>
    /// <param name="serviceId">Whose it will be: <see cref="OrleansEngineOptions.ServiceId"/>.</param>
    /// <param name="states">States, each once, ordered by kind and key. Read twice: when all are stored, they are compared with what the database gives back.</param>
    /// <param name="reminders">Reminders, each once.</param>
    /// <param name="blobs">Blobs, opened and written one after another.</param>
    /// <param name="cancellationToken">Gives up; nothing has been moved.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.StateConflict"/>: something is stored already. <see cref="ErrorCode.Internal"/>: the database cannot be used.</exception>
    public static async Task<MovedCounts> FillAsync(
        string connectionString,
        string serviceId,
        IEnumerable<MovedState> states,
        IEnumerable<MovedReminder> reminders,
        IEnumerable<MovedBlob> blobs,
        CancellationToken cancellationToken = default)
    {
        await ClusterSchema.VerifyAsync(connectionString, cancellationToken);
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
            throw new ClusterException(ErrorCode.Internal, $"The cluster's database cannot take it over: {e.Message}", inner: e);
        }
    }

    private static async Task DemandEmptyAsync(NpgsqlConnection connection, string serviceId, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT EXISTS (SELECT 1 FROM OrleansStorage WHERE ServiceId = $1)", connection);
        command.Parameters.Add(new() { Value = serviceId });
        if (await command.ExecuteScalarAsync(cancellationToken) is true)
            throw new ClusterException(ErrorCode.StateConflict, $"The cluster {serviceId} has stored something already; only an empty one can take over what a node has stored.");
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
            await writer.WriteAsync(state.Kind, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(StoredState.KeyOf(state.Key), NpgsqlDbType.Varchar, cancellationToken);
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
            var grain = GrainId.Create(reminder.Kind, reminder.Key);
            await writer.StartRowAsync(cancellationToken);
            await writer.WriteAsync(serviceId, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(grain.ToString(), NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync(reminder.Name, NpgsqlDbType.Varchar, cancellationToken);
            await writer.WriteAsync((int)grain.GetUniformHashCode(), NpgsqlDbType.Integer, cancellationToken);
            await writer.WriteAsync(reminder.Due.UtcDateTime, NpgsqlDbType.TimestampTz, cancellationToken);
            await writer.WriteAsync((long)reminder.Period.TotalMilliseconds, NpgsqlDbType.Bigint, cancellationToken);
            count++;
        }
        await writer.CompleteAsync(cancellationToken);
        return count;
    }

    // They belong to no cluster, but to tenants; another cluster of the same database may have the same.
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
            // Its name tells what is in it.
            if (await command.ExecuteScalarAsync(cancellationToken) is not byte[] hash || !blob.Id.EndsWith("." + GrainKeys.Encode(hash.AsSpan(0, 16)), StringComparison.Ordinal))
                throw NotThere($"file {blob.Id}");
            count++;
        }
        return count;
    }

    private static async Task VerifyAsync(NpgsqlConnection connection, string serviceId, IEnumerable<MovedState> states, long reminders, CancellationToken cancellationToken)
    {
        await using (var command = new NpgsqlCommand("SELECT count(*) FROM OrleansRemindersTable WHERE ServiceId = $1", connection))
        {
            command.Parameters.Add(new() { Value = serviceId });
            if (await command.ExecuteScalarAsync(cancellationToken) is not long stored || stored != reminders) throw NotThere("reminders");
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
                && row.GetString(0) == state.Kind && row.GetString(1) == StoredState.KeyOf(state.Key) && row.GetFieldValue<byte[]>(2).AsSpan().SequenceEqual(state.Payload);
            if (!same) throw NotThere($"{state.Kind} {state.Key}");
        }
        if (await row.ReadAsync(cancellationToken)) throw NotThere("states");
    }

    private static ClusterException NotThere(string what) => new(ErrorCode.Internal, $"The database does not give back what was moved ({what}). Nothing has been moved.");
}
