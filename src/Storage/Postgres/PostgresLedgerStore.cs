using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>The epochs of ledger shards of a cluster.</summary>
internal sealed class PostgresLedgerStore(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time) : ILedgerStore
{
    // The kinds of charges: reserved (1), settled (2), of unknown outcome (3).
    private const string SelectUse = """
        SELECT ChargeDay, ChargeState, sum(ChargedRequests)::bigint, sum(ChargedTokens)::bigint, sum(ChargedCredits)::bigint, count(*)
        FROM CozeTurns WHERE ServiceId = $1 AND Epoch = $2 AND (ChargeState <> 3 OR EndedOn >= $3)
        """;

    private const string ByDay = " GROUP BY ChargeDay, ChargeState";

    private string ServiceId => cluster.Value.ServiceId;

    // A batch is one transaction.
    public Task ReplaceEpoch(string tenantId, int shard, long next) => WriteAsync(batch =>
    {
        batch.AddStatement("DELETE FROM CozeLedgerEpochs WHERE ServiceId = $1 AND TenantId = $2 AND Shard = $3", ServiceId)
            .With(tenantId).With(NpgsqlDbType.Integer, shard);
        batch.AddStatement("INSERT INTO CozeLedgerEpochs (ServiceId, TenantId, Shard, Epoch) VALUES ($1, $2, $3, $4)", ServiceId)
            .With(tenantId).With(NpgsqlDbType.Integer, shard).With(next);
    });

    public Task CloseEpoch(long epoch) => WriteAsync(batch =>
        batch.AddStatement("DELETE FROM CozeLedgerEpochs WHERE ServiceId = $1 AND Epoch = $2", ServiceId).With(epoch));

    public ValueTask<bool> IsOpen(long epoch, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        batch.AddStatement("SELECT 1 FROM CozeLedgerEpochs WHERE ServiceId = $1 AND Epoch = $2", ServiceId).With(epoch);
        return PostgresReads.ReadAsync(database, batch, row => row.ReadAsync(cancellationToken), time, cancellationToken);
    }

    public ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(
        long epoch, string? keyName, DateTimeOffset unknownBefore, CancellationToken cancellationToken)
    {
        var batch = database.States.CreateBatch();
        var parameters = batch.AddStatement(SelectUse + (keyName is null ? "" : " AND KeyName = $4") + ByDay, ServiceId).With(epoch).With(unknownBefore);
        if (keyName is not null) parameters.With(keyName);
        return PostgresReads.ReadAsync(
            database,
            batch,
            async row =>
            {
                var sums = new List<ChargeSum>();
                while (await row.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    var amounts = new Amounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
                    sums.Add(new(row.GetInt32(0), (ChargeState)row.GetInt16(1), amounts, row.GetInt64(5)));
                }
                return ChargeSum.ToUses(sums);
            },
            time,
            cancellationToken);
    }

    private async Task WriteAsync(Action<NpgsqlBatch> addStatements)
    {
        try
        {
            var batch = database.Source.CreateBatch();
            await using var _ = batch.ConfigureAwait(false);
            addStatements(batch);
            await database.WatchAsync(() => batch.ExecuteNonQueryAsync()).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or ObjectDisposedException)
        {
            throw PostgresReads.ToClusterException(e);
        }
    }
}
