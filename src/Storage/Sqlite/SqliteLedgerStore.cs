using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>The epochs of ledger shards in the database of a single node. A shard changes its epoch about once an hour, so statements are not kept.</summary>
internal sealed class SqliteLedgerStore(SqliteStore store) : ILedgerStore
{
    // The open epochs. They are not copied to another storage: an epoch that is missing is closed.
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS ledger_epochs (epoch INTEGER PRIMARY KEY, tenant TEXT NOT NULL, shard INTEGER NOT NULL);
        CREATE INDEX IF NOT EXISTS ledger_epochs_of_shard ON ledger_epochs (tenant, shard);
        """;

    public Task ReplaceEpoch(string tenantId, int shard, long? next) => store.Write(write =>
    {
        using var delete = new SqliteStatement(
            write.Connection, "DELETE FROM ledger_epochs WHERE tenant = $0 AND shard = $1", SqliteType.Text, SqliteType.Integer);
        delete.Run(tenantId, shard);
        if (next is not { } epoch) return true;
        using var insert = new SqliteStatement(
            write.Connection, "INSERT INTO ledger_epochs (epoch, tenant, shard) VALUES ($0, $1, $2)",
            SqliteType.Integer, SqliteType.Text, SqliteType.Integer);
        return insert.Run(epoch, tenantId, shard) == 1;
    });

    public ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(long epoch, DateTimeOffset unknownBefore, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new(store.Read(reader => Read(reader.Connection, epoch, unknownBefore)));
        }
        catch (SqliteException e)
        {
            throw StorageErrors.ReadFailed(e);
        }
    }

    private static IReadOnlyList<EpochUse> Read(SqliteConnection connection, long epoch, DateTimeOffset unknownBefore)
    {
        using var statement = new SqliteStatement(
            connection,
            """
            SELECT key_name, charge_day, SUM(charged_requests), SUM(charged_tokens), SUM(charged_credits), SUM(ended_at IS NULL OR charge_state = 3)
            FROM turns INDEXED BY turns_of_epoch WHERE epoch = $0 AND (charge_state <> 3 OR ended_at >= $1) GROUP BY key_name, charge_day
            """,
            SqliteType.Integer, SqliteType.Integer);
        using var row = statement.Query(epoch, unknownBefore.ToUnixTimeMilliseconds());
        var uses = new List<EpochUse>();
        while (row.Read())
        {
            var amounts = new Amounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
            uses.Add(new EpochUse(row.IsDBNull(0) ? null : row.GetString(0), row.GetInt32(1), amounts, row.GetInt64(5)));
        }
        return uses;
    }
}
