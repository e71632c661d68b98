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

    public Task ReplaceEpoch(string tenantId, int shard, long next) => store.Write(write =>
    {
        using var delete = new SqliteStatement(
            write.Connection, "DELETE FROM ledger_epochs WHERE tenant = $0 AND shard = $1", SqliteType.Text, SqliteType.Integer);
        delete.Run(tenantId, shard);
        using var insert = new SqliteStatement(
            write.Connection, "INSERT INTO ledger_epochs (epoch, tenant, shard) VALUES ($0, $1, $2)",
            SqliteType.Integer, SqliteType.Text, SqliteType.Integer);
        return insert.Run(next, tenantId, shard) == 1;
    });

    public Task CloseEpoch(long epoch) => store.Write(write =>
    {
        using var delete = new SqliteStatement(write.Connection, "DELETE FROM ledger_epochs WHERE epoch = $0", SqliteType.Integer);
        return delete.Run(epoch) == 1;
    });

    public ValueTask<bool> IsOpen(long epoch, CancellationToken cancellationToken) => new(Read(
        connection =>
        {
            using var statement = new SqliteStatement(connection, "SELECT 1 FROM ledger_epochs WHERE epoch = $0", SqliteType.Integer);
            return statement.Scalar(epoch) is not null;
        },
        cancellationToken));

    public ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(
        long epoch, string? keyName, DateTimeOffset unknownBefore, CancellationToken cancellationToken) =>
        new(Read(connection => ReadUses(connection, epoch, keyName, unknownBefore), cancellationToken));

    private T Read<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return store.Read(reader => read(reader.Connection));
        }
        catch (SqliteException e)
        {
            throw StorageErrors.ReadFailed(e);
        }
    }

    private static IReadOnlyList<EpochUse> ReadUses(SqliteConnection connection, long epoch, string? keyName, DateTimeOffset unknownBefore)
    {
        // The kinds of charges: reserved (1), settled (2), of unknown outcome (3).
        using var statement = new SqliteStatement(
            connection,
            $"""
            SELECT charge_day, charge_state, SUM(charged_requests), SUM(charged_tokens), SUM(charged_credits), COUNT(*)
            FROM turns INDEXED BY turns_of_epoch
            WHERE epoch = $0 AND (charge_state <> 3 OR ended_at >= $1){(keyName is null ? "" : " AND key_name = $2")}
            GROUP BY charge_day, charge_state
            """,
            SqliteType.Integer, SqliteType.Integer, SqliteType.Text);
        using var row = statement.Query(epoch, unknownBefore.ToUnixTimeMilliseconds(), keyName);
        var sums = new List<ChargeSum>();
        while (row.Read())
        {
            var amounts = new Amounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
            sums.Add(new(row.GetInt32(0), (ChargeState)row.GetInt32(1), amounts, row.GetInt64(5)));
        }
        return ChargeSum.ToUses(sums);
    }
}

/// <summary>The charges of one day and state.</summary>
internal readonly record struct ChargeSum(int Day, ChargeState State, Amounts Amounts, long Count)
{
    /// <summary>One use for each day.</summary>
    public static IReadOnlyList<EpochUse> ToUses(IEnumerable<ChargeSum> sums) => [.. sums.GroupBy(sum => sum.Day).Select(day => new EpochUse(
        day.Key,
        AmountsOf(day, ChargeState.Settled),
        AmountsOf(day, ChargeState.Reserved),
        AmountsOf(day, ChargeState.Unknown),
        day.Where(sum => sum.State != ChargeState.Settled).Sum(sum => sum.Count)))];

    private static Amounts AmountsOf(IEnumerable<ChargeSum> sums, ChargeState state) =>
        sums.Where(sum => sum.State == state).Aggregate(default(Amounts), static (total, sum) => total + sum.Amounts);
}
