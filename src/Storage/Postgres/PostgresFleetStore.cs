using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The rows of the fleet of a cluster. The row of kind 0 has the version of the fleet.</summary>
internal sealed class PostgresFleetStore(PostgresDatabase database, IOptions<ClusterOptions> cluster) : IFleetStore
{
    public ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken) =>
        new(TranslateAsync<IReadOnlyList<FleetRow>>(async () =>
        {
            await using var command = database.Source.CreateCommand(
                """
                SELECT Kind, Id, Version, Payload FROM CozeFleet
                WHERE ServiceId = $1 AND Kind > 0 AND (Kind, Id) > ($2, $3) ORDER BY Kind, Id LIMIT $4
                """);
            AddParameters(command, (short)afterKind, afterId, limit);
            await using var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            var page = new List<FleetRow>();
            while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
                page.Add(new FleetRow((FleetRowKind)row.GetInt16(0), row.GetString(1), row.GetInt64(2), row.GetFieldValue<byte[]>(3)));
            return page;
        }));

    public ValueTask<long> ReadVersion(CancellationToken cancellationToken) => new(TranslateAsync(async () =>
    {
        await using var command = database.Source.CreateCommand("SELECT Version FROM CozeFleet WHERE ServiceId = $1 AND Kind = 0 AND Id = ''");
        AddParameters(command);
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as long? ?? 0;
    }));

    public Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(nextVersion, expectedVersion);
        return TranslateAsync(async () =>
        {
            await using var connection = await database.Source.OpenConnectionAsync().ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
            await RaiseVersion(connection, expectedVersion, nextVersion).ConfigureAwait(false);
            await Delete(connection, [.. rows.Where(row => row.Payload is null)]).ConfigureAwait(false);
            await Upsert(connection, [.. rows.Where(row => row.Payload is not null)]).ConfigureAwait(false);
            await transaction.CommitAsync().ConfigureAwait(false);
            return true;
        });
    }

    private Task<T> TranslateAsync<T>(Func<Task<T>> operation) => FleetErrors.Translate(() => database.WatchAsync(operation));

    // Two activations that commit at the same time wait for each other at this row.
    private async Task RaiseVersion(NpgsqlConnection connection, long expectedVersion, long nextVersion)
    {
        await using var command = new NpgsqlCommand(
            expectedVersion == 0
                ? "INSERT INTO CozeFleet (ServiceId, Kind, Id, Version) VALUES ($1, 0, '', $2) ON CONFLICT DO NOTHING"
                : "UPDATE CozeFleet SET Version = $2 WHERE ServiceId = $1 AND Kind = 0 AND Id = '' AND Version = $3",
            connection);
        AddParameters(command, nextVersion);
        if (expectedVersion != 0) command.Parameters.Add(new() { Value = expectedVersion });
        if (await command.ExecuteNonQueryAsync().ConfigureAwait(false) == 0) throw FleetErrors.Conflict();
    }

    private async Task Delete(NpgsqlConnection connection, IReadOnlyList<FleetRow> rows)
    {
        if (rows.Count == 0) return;
        await using var command = new NpgsqlCommand(
            """
            DELETE FROM CozeFleet USING unnest($2, $3) AS deleted (Kind, Id)
            WHERE ServiceId = $1 AND CozeFleet.Kind = deleted.Kind AND CozeFleet.Id = deleted.Id
            """,
            connection);
        AddParameters(command, Kinds(rows), Ids(rows));
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private async Task Upsert(NpgsqlConnection connection, IReadOnlyList<FleetRow> rows)
    {
        if (rows.Count == 0) return;
        await using var command = new NpgsqlCommand(
            """
            INSERT INTO CozeFleet (ServiceId, Kind, Id, Version, Payload)
            SELECT $1, changed.* FROM unnest($2, $3, $4, $5) AS changed (Kind, Id, Version, Payload)
            ON CONFLICT (ServiceId, Kind, Id) DO UPDATE SET Version = excluded.Version, Payload = excluded.Payload
            """,
            connection);
        AddParameters(command, Kinds(rows), Ids(rows), rows.Select(row => row.Version).ToArray(), rows.Select(row => row.Payload!).ToArray());
        await command.ExecuteNonQueryAsync().ConfigureAwait(false);
    }

    private static short[] Kinds(IReadOnlyList<FleetRow> rows) => [.. rows.Select(row => (short)row.Kind)];

    private static string[] Ids(IReadOnlyList<FleetRow> rows) => [.. rows.Select(row => row.Id)];

    private void AddParameters(NpgsqlCommand command, params ReadOnlySpan<object> values)
    {
        command.Parameters.Add(new() { Value = cluster.Value.ServiceId });
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
    }
}
