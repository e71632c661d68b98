using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The epochs of ledger shards of a cluster.</summary>
internal sealed class PostgresLedgerStore(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time) : ILedgerStore
{
    private const string SelectUse = """
        SELECT KeyName, ChargeDay, sum(ChargedRequests)::bigint, sum(ChargedTokens)::bigint, sum(ChargedCredits)::bigint,
            count(*) FILTER (WHERE EndedOn IS NULL OR ChargeState = 3)
        FROM CozeTurns WHERE ServiceId = $1 AND Epoch = $2 AND (ChargeState <> 3 OR EndedOn >= $3) GROUP BY KeyName, ChargeDay
        """;

    private string ServiceId => cluster.Value.ServiceId;

    // A batch is one transaction.
    public async Task ReplaceEpoch(string tenantId, int shard, long? next)
    {
        try
        {
            var batch = database.Source.CreateBatch();
            await using var _ = batch.ConfigureAwait(false);
            batch.AddStatement("DELETE FROM CozeLedgerEpochs WHERE ServiceId = $1 AND TenantId = $2 AND Shard = $3", ServiceId)
                .With(tenantId).With(NpgsqlDbType.Integer, shard);
            if (next is not null)
            {
                batch.AddStatement("INSERT INTO CozeLedgerEpochs (ServiceId, TenantId, Shard, Epoch) VALUES ($1, $2, $3, $4)", ServiceId)
                    .With(tenantId).With(NpgsqlDbType.Integer, shard).With(next);
            }
            await database.WatchAsync(() => batch.ExecuteNonQueryAsync()).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
        {
            throw PostgresReads.ToClusterException(e);
        }
    }

    public ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(long epoch, DateTimeOffset unknownBefore, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        batch.AddStatement(SelectUse, ServiceId).With(epoch).With(unknownBefore);
        return PostgresReads.ReadAsync<IReadOnlyList<EpochUse>>(
            database,
            batch,
            async row =>
            {
                var uses = new List<EpochUse>();
                while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    var key = await row.IsDBNullAsync(0, cancellationToken).ConfigureAwait(false) ? null : row.GetString(0);
                    uses.Add(new EpochUse(key, row.GetInt32(1), new Amounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4)), row.GetInt64(5)));
                }
                return uses;
            },
            time,
            cancellationToken);
    }
}
