using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>What housekeeping finds and deletes in PostgreSQL.</summary>
internal sealed class PostgresExpiry(PostgresDatabase database, PostgresBlobStore blobs, IOptions<ClusterOptions> cluster) : IExpiringStore
{
    public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken) => blobs.SweepAsync(cancellationToken);

    public async Task<IReadOnlyList<StoredAge>> ReadAgesAsync(string stateName, string afterKey, CancellationToken cancellationToken)
    {
        var page = new List<StoredAge>();
        await using var command = Command(
            """
            SELECT GrainIdExtensionString, Version, ModifiedOn FROM OrleansStorage
            WHERE ServiceId = $1 AND GrainTypeString = $2 AND GrainIdExtensionString > $3 ORDER BY GrainIdExtensionString LIMIT $4
            """,
            stateName, PostgresGrainStorage.StoredKey(afterKey), Housekeeping.PageSize);
        await using var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) page.Add(new(row.GetString(0)[1..], row.GetInt32(1), row.GetFieldValue<DateTimeOffset>(2)));
        return page;
    }

    public async Task DeleteAsync(string stateName, IReadOnlyList<StoredAge> states, CancellationToken cancellationToken)
    {
        await using var command = Command(
            """
            DELETE FROM OrleansStorage USING unnest($3, $4) AS expired (Key, Version)
            WHERE ServiceId = $1 AND GrainTypeString = $2 AND GrainIdExtensionString = expired.Key AND OrleansStorage.Version = expired.Version
            """,
            stateName, states.Select(state => PostgresGrainStorage.StoredKey(state.Key)).ToArray(), states.Select(state => (int)state.Version).ToArray());
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private NpgsqlCommand Command(string sql, params ReadOnlySpan<object> values)
    {
        var command = database.Source.CreateCommand(sql);
        command.Parameters.Add(new() { Value = cluster.Value.ServiceId });
        foreach (var value in values) command.Parameters.Add(new() { Value = value });
        return command;
    }
}
