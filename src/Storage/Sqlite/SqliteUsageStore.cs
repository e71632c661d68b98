using Microsoft.Data.Sqlite;

namespace CozeCluster.Storage;

/// <summary>Usage in the database of a single node. Statements are not kept, because few queries are equal and turns are counted once a minute.</summary>
internal sealed class SqliteUsageStore(SqliteStore store) : IUsageStore, IUsageCounter
{
    // uncounted_turns: the ends of turns that are not part of usage yet. A save of an end adds one.
    // usage: without rowid, so that the rows of an hour, and in it those of a tenant, are together.
    public const string Tables = """
        CREATE TABLE IF NOT EXISTS uncounted_turns (turn INTEGER PRIMARY KEY);
        CREATE TABLE IF NOT EXISTS usage (
            hour INTEGER NOT NULL, tenant TEXT NOT NULL, key_name TEXT NOT NULL, user TEXT NOT NULL, model TEXT NOT NULL, bot TEXT NOT NULL,
            account TEXT NOT NULL, completed INTEGER NOT NULL, failed INTEGER NOT NULL, cancelled INTEGER NOT NULL, unknown INTEGER NOT NULL,
            attempts INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, credits INTEGER NOT NULL,
            PRIMARY KEY (hour, tenant, key_name, user, model, bot, account)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS key_uses (tenant TEXT NOT NULL, key_name TEXT NOT NULL, last_used_at INTEGER NOT NULL, PRIMARY KEY (tenant, key_name))
            WITHOUT ROWID;
        """;

    private const string Keys = "hour, tenant, key_name, user, model, bot, account";

    private const string Sums = "completed, failed, cancelled, unknown, attempts, input_tokens, output_tokens, credits";

    private const string IsRow = "hour = $0 AND tenant = $1 AND key_name = $2 AND user = $3 AND model = $4 AND bot = $5 AND account = $6";

    // Names are cut to UsageStatement.MaxLength. The states of turns: completed (2), cancelled (4); everything else has failed. The kind of a charge that
    // counts: settled (2).
    private const string Uncounted = """
        SELECT (id >> 21) / 3600000 AS hour, tenant, coalesce(key_name, '') AS key_name, substr(coalesce(user, ''), 1, 100) AS user,
            substr(model, 1, 100) AS model, coalesce(bot, '') AS bot, coalesce(account, '') AS account,
            status = 2 AS completed, status NOT IN (2, 4) AND error IS NOT 'UpstreamOutcomeUnknown' AS failed, status = 4 AS cancelled,
            status NOT IN (2, 4) AND error IS 'UpstreamOutcomeUnknown' AS unknown, attempts, coalesce(input_tokens, 0) AS input_tokens,
            coalesce(output_tokens, 0) AS output_tokens, CASE WHEN charge_state = 2 THEN charged_credits ELSE 0 END AS credits, turn, created_at
        FROM uncounted_turns CROSS JOIN turns ON id = turn
        """;

    // The usage of a tenant is found in each hour, from the first to the last of those that are stored.
    private static readonly UsageDialect Dialect = new(
        Keys.Split(", "),
        Sums.Split(", "),
        Counted: "usage",
        CountedOfTenant: "hours CROSS JOIN usage ON hour = n",
        Uncounted,
        Before: """
            WITH RECURSIVE hours (n) AS (
                SELECT max($0, (SELECT min(hour) FROM usage))
                UNION ALL SELECT n + 1 FROM hours WHERE n + 1 < min($1, (SELECT max(hour) + 1 FROM usage)))

            """,
        FirstParameter: 0);

    public Task<IReadOnlyList<UsageRow>> Read(UsageQuery query, CancellationToken cancellationToken)
    {
        var statement = new UsageStatement(query, Dialect);
        return ReadAsync<IReadOnlyList<UsageRow>>(
            connection =>
            {
                var values = statement.Values;
                var types = values.Select(value => value is string ? SqliteType.Text : SqliteType.Integer).ToArray();
                using var select = new SqliteStatement(connection, statement.Sql, types);
                using var row = select.Query([.. values]);
                var rows = new List<UsageRow>();
                while (row.Read()) rows.Add(statement.Read(row));
                return rows;
            },
            cancellationToken);
    }

    public Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyDictionary<string, DateTimeOffset>>(
            connection =>
            {
                using var select = new SqliteStatement(connection, "SELECT key_name, last_used_at FROM key_uses WHERE tenant = $0", SqliteType.Text);
                using var row = select.Query(tenantId);
                var uses = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
                while (row.Read()) uses.Add(row.GetString(0), DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(1)));
                return uses;
            },
            cancellationToken);

    public async Task<int> CountAsync(int limit, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var counted = 0;
        await store.Write(write =>
        {
            counted = Count(write.Connection, limit);
            return true;
        }).ConfigureAwait(false);
        return counted;
    }

    /// <summary>See <see cref="IExpiringStore.DeleteOldUsageAsync"/>.</summary>
    public static int DeleteOld(SqliteConnection connection, DateTimeOffset before, int limit)
    {
        using var uses = new SqliteStatement(connection, "DELETE FROM key_uses WHERE last_used_at < $0", SqliteType.Integer);
        uses.Run(before.ToUnixTimeMilliseconds());
        using var usage = new SqliteStatement(
            connection,
            $"DELETE FROM usage WHERE ({Keys}) IN (SELECT {Keys} FROM usage WHERE hour < $0 ORDER BY hour LIMIT $1)",
            SqliteType.Integer, SqliteType.Integer);
        return usage.Run(UsageStatement.HourOf(before), (long)limit);
    }

    private static int Count(SqliteConnection connection, int limit)
    {
        const string First = "SELECT turn FROM uncounted_turns ORDER BY turn LIMIT $0";
        var additions = ReadAdditions(connection, First, limit);
        using var delete = new SqliteStatement(connection, $"DELETE FROM uncounted_turns WHERE turn IN ({First})", SqliteType.Integer);
        if (delete.Run((long)limit) == 0) return 0;

        using var find = new SqliteStatement(connection, $"SELECT 1 FROM usage WHERE {IsRow}", KeyTypes);
        using var count = new SqliteStatement(
            connection, "SELECT count(*) FROM usage WHERE hour = $0 AND tenant = $1", SqliteType.Integer, SqliteType.Text);
        var placed = UsageCounting.Place(
            additions, key => find.Scalar(ValuesOf(key)) is not null, key => count.Scalar(key.Hour, key.TenantId) ?? 0);

        using var add = new SqliteStatement(
            connection,
            $"""
            INSERT INTO usage ({Keys}, {Sums}) VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
            ON CONFLICT DO UPDATE SET {string.Join(", ", Sums.Split(", ").Select(sum => $"{sum} = {sum} + excluded.{sum}"))}
            """,
            [.. KeyTypes, .. Enumerable.Repeat(SqliteType.Integer, 8)]);
        foreach (var (key, sums) in placed)
        {
            add.Run([
                .. ValuesOf(key), sums.Completed, sums.Failed, sums.Cancelled, sums.Unknown, sums.Attempts, sums.InputTokens, sums.OutputTokens, sums.Credits,
            ]);
        }

        using var use = new SqliteStatement(
            connection,
            """
            INSERT INTO key_uses (tenant, key_name, last_used_at) VALUES ($0, $1, $2)
            ON CONFLICT DO UPDATE SET last_used_at = max(last_used_at, excluded.last_used_at)
            """,
            SqliteType.Text, SqliteType.Text, SqliteType.Integer);
        foreach (var (key, _, lastUsed) in additions.Where(addition => addition.Key.KeyName.Length > 0)) use.Run(key.TenantId, key.KeyName, lastUsed);
        return (int)additions.Sum(addition => addition.Sums.Requests);
    }

    private static SqliteType[] KeyTypes => [SqliteType.Integer, .. Enumerable.Repeat(SqliteType.Text, 6)];

    private static object?[] ValuesOf(UsageKey key) => [key.Hour, key.TenantId, key.KeyName, key.User, key.Model, key.BotId, key.AccountId];

    private static List<UsageAddition> ReadAdditions(SqliteConnection connection, string turns, int limit)
    {
        var sums = string.Join(", ", Sums.Split(", ").Select(sum => $"sum({sum})"));
        using var select = new SqliteStatement(
            connection, $"SELECT {Keys}, {sums}, max(created_at) FROM ({Uncounted}) WHERE turn IN ({turns}) GROUP BY {Keys}", SqliteType.Integer);
        using var row = select.Query((long)limit);
        var additions = new List<UsageAddition>();
        while (row.Read())
        {
            var key = new UsageKey(
                row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6));
            additions.Add(new(key, UsageStatement.ReadSums(row, 7), row.GetInt64(15)));
        }
        return additions;
    }

    // A query may read many rows, so it does not use the thread of its caller.
    private async Task<T> ReadAsync<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        try
        {
            return await Task.Run(() => store.Read(reader => read(reader.Connection)), cancellationToken).ConfigureAwait(false);
        }
        catch (SqliteException e)
        {
            throw StorageErrors.ReadFailed(e);
        }
    }
}
