using Microsoft.Extensions.Options;
using Npgsql;
using NpgsqlTypes;
using Orleans.Configuration;

namespace CozeCluster.Storage;

/// <summary>Usage of a cluster.</summary>
internal sealed class PostgresUsageStore(PostgresDatabase database, IOptions<ClusterOptions> cluster, TimeProvider time) : IUsageStore, IUsageCounter
{
    private const string Keys = "Hour, TenantId, KeyName, UserName, Model, BotId, AccountId";

    private const string Sums = "Completed, Failed, Cancelled, Unknown, Attempts, InputTokens, OutputTokens, Credits";

    // Names are cut to UsageStatement.MaxLength. The states of turns: completed (2), cancelled (4); everything else has failed. The kind of a charge that
    // counts: settled (2).
    private const string TurnUse = """
        (Id >> 21) / 3600000 AS Hour, TenantId, coalesce(KeyName, '') COLLATE "C" AS KeyName, left(coalesce(UserName, ''), 100) COLLATE "C" AS UserName,
        left(Model, 100) COLLATE "C" AS Model, coalesce(BotId, '') COLLATE "C" AS BotId, coalesce(AccountId, '') COLLATE "C" AS AccountId,
        (Status = 2)::integer::bigint AS Completed,
        (Status NOT IN (2, 4) AND Error IS DISTINCT FROM 'UpstreamOutcomeUnknown')::integer::bigint AS Failed,
        (Status = 4)::integer::bigint AS Cancelled,
        (Status NOT IN (2, 4) AND Error IS NOT DISTINCT FROM 'UpstreamOutcomeUnknown')::integer::bigint AS Unknown,
        Attempts::bigint AS Attempts, coalesce(InputTokens, 0) AS InputTokens, coalesce(OutputTokens, 0) AS OutputTokens,
        CASE WHEN ChargeState = 2 THEN ChargedCredits ELSE 0 END AS Credits, CreatedOn
        """;

    // One silo counts at a time. The number is arbitrary.
    private const string TryLock = "SELECT pg_try_advisory_xact_lock(1131380837, hashtext($1))";

    private const string Take = $"""
        WITH first AS MATERIALIZED (SELECT TurnRow FROM CozeUncountedTurns WHERE ServiceId = $1 ORDER BY TurnRow LIMIT $2),
        taken AS (DELETE FROM CozeUncountedTurns WHERE ServiceId = $1 AND TurnRow = ANY (ARRAY(SELECT TurnRow FROM first))),
        used AS (SELECT {TurnUse} FROM CozeTurns WHERE ServiceId = $1 AND Id = ANY (ARRAY(SELECT TurnRow FROM first)))
        SELECT {Keys}, sum(Completed)::bigint, sum(Failed)::bigint, sum(Cancelled)::bigint, sum(Unknown)::bigint, sum(Attempts)::bigint,
            sum(InputTokens)::bigint, sum(OutputTokens)::bigint, sum(Credits)::bigint, max(CreatedOn)
        FROM used GROUP BY {Keys}
        """;

    private const string Counted = "(SELECT * FROM CozeUsage WHERE ServiceId = $1) AS counted";

    private const string KeyParameters = "unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])";

    private const string FindRows = $"""
        SELECT {Keys} FROM CozeUsage WHERE ServiceId = $1 AND ({Keys}) IN (SELECT * FROM {KeyParameters})
        """;

    private const string CountRows = """
        SELECT Hour, TenantId, count(*) FROM CozeUsage
        WHERE ServiceId = $1 AND (Hour, TenantId) IN (SELECT * FROM unnest($2::bigint[], $3::text[])) GROUP BY Hour, TenantId
        """;

    private const string AddUse = """
        INSERT INTO CozeKeyUses AS known (ServiceId, TenantId, KeyName, LastUsedOn)
        SELECT $1, tenant, name, max(used) FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS use (tenant, name, used) GROUP BY tenant, name
        ON CONFLICT (ServiceId, TenantId, KeyName) DO UPDATE SET LastUsedOn = greatest(known.LastUsedOn, excluded.LastUsedOn)
        """;

    private static readonly string Add = $"""
        INSERT INTO CozeUsage AS known (ServiceId, {Keys}, {Sums})
        SELECT $1, * FROM unnest(
            $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])
        ON CONFLICT (ServiceId, {Keys}) DO UPDATE SET {string.Join(", ", Sums.Split(", ").Select(sum => $"{sum} = known.{sum} + excluded.{sum}"))}
        """;

    private static readonly UsageDialect Dialect = new(
        Keys.Split(", "),
        Sums.Split(", "),
        Counted,
        CountedOfTenant: Counted,
        Uncounted: $"""
            SELECT {TurnUse} FROM CozeTurns WHERE ServiceId = $1 AND Id = ANY (ARRAY(SELECT TurnRow FROM CozeUncountedTurns WHERE ServiceId = $1))
            """,
        Before: "",
        FirstParameter: 2);

    private string ServiceId => cluster.Value.ServiceId;

    public async Task<IReadOnlyList<UsageRow>> Read(UsageQuery query, CancellationToken cancellationToken)
    {
        var statement = new UsageStatement(query, Dialect);
        var batch = database.Source.CreateBatch();
        var parameters = batch.AddStatement(statement.Sql, ServiceId);
        foreach (var value in statement.Values)
        {
            if (value is string text) parameters.With(text);
            else parameters.With((long)value);
        }
        return await ReadAllAsync(batch, statement.Read, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyDictionary<string, DateTimeOffset>> ReadLastUsed(string tenantId, CancellationToken cancellationToken)
    {
        var batch = database.Source.CreateBatch();
        batch.AddStatement("SELECT KeyName, LastUsedOn FROM CozeKeyUses WHERE ServiceId = $1 AND TenantId = $2", ServiceId).With(tenantId);
        var uses = await ReadAllAsync(batch, row => (row.GetString(0), row.GetFieldValue<DateTimeOffset>(1)), cancellationToken).ConfigureAwait(false);
        return uses.ToDictionary(use => use.Item1, use => use.Item2, StringComparer.Ordinal);
    }

    public async Task<int> CountAsync(int limit, CancellationToken cancellationToken)
    {
        var connection = await database.Source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var closed = connection.ConfigureAwait(false);
        var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using var ended = transaction.ConfigureAwait(false);
        var isLocked = await RunAsync(connection, TryLock, static _ => { }, row => row.GetBoolean(0), cancellationToken).ConfigureAwait(false);
        if (!isLocked[0]) return 0;

        var additions = await RunAsync(
            connection, Take, parameters => parameters.With(NpgsqlDbType.Integer, limit), ReadAddition, cancellationToken).ConfigureAwait(false);
        if (additions.Count > 0) await AddAsync(connection, additions, cancellationToken).ConfigureAwait(false);
        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return (int)additions.Sum(addition => addition.Sums.Requests);
    }

    private async Task AddAsync(NpgsqlConnection connection, List<UsageAddition> additions, CancellationToken cancellationToken)
    {
        var placed = await PlaceAsync(connection, additions, cancellationToken).ConfigureAwait(false);
        await RunAsync(connection, Add, parameters => AddSums(AddKeys(parameters, [.. placed.Keys]), placed.Values), NoRow, cancellationToken)
            .ConfigureAwait(false);
        var uses = additions.Where(addition => addition.Key.KeyName.Length > 0).ToList();
        await RunAsync(
            connection,
            AddUse,
            parameters => parameters
                .With(Array(NpgsqlDbType.Text), uses.Select(use => use.Key.TenantId).ToArray())
                .With(Array(NpgsqlDbType.Text), uses.Select(use => use.Key.KeyName).ToArray())
                .With(Array(NpgsqlDbType.TimestampTz), uses.Select(use => DateTimeOffset.FromUnixTimeMilliseconds(use.LastUsed).UtcDateTime).ToArray()),
            NoRow,
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<Dictionary<UsageKey, UsageSums>> PlaceAsync(
        NpgsqlConnection connection, List<UsageAddition> additions, CancellationToken cancellationToken)
    {
        UsageKey[] candidates = [.. additions.SelectMany(addition => addition.Key.Candidates()).Distinct()];
        var stored = await RunAsync(connection, FindRows, parameters => AddKeys(parameters, candidates), ReadKey, cancellationToken).ConfigureAwait(false);
        (long Hour, string TenantId)[] hours = [.. candidates.Select(key => (key.Hour, key.TenantId)).Distinct()];
        var counts = await RunAsync(
            connection,
            CountRows,
            parameters => parameters
                .With(Array(NpgsqlDbType.Bigint), hours.Select(hour => hour.Hour).ToArray())
                .With(Array(NpgsqlDbType.Text), hours.Select(hour => hour.TenantId).ToArray()),
            row => (Hour: (row.GetInt64(0), row.GetString(1)), Count: row.GetInt64(2)),
            cancellationToken).ConfigureAwait(false);
        var (known, countOf) = (stored.ToHashSet(), counts.ToDictionary(count => count.Hour, count => count.Count));
        return UsageCounting.Place(additions, known.Contains, key => countOf.GetValueOrDefault((key.Hour, key.TenantId)));
    }

    private async Task<List<T>> RunAsync<T>(
        NpgsqlConnection connection, string sql, Action<NpgsqlParameterCollection> addParameters, Func<NpgsqlDataReader, T> read,
        CancellationToken cancellationToken)
    {
        var command = new NpgsqlCommand(sql, connection);
        await using var _ = command.ConfigureAwait(false);
        addParameters(command.Parameters.With(ServiceId));
        var row = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await using var closed = row.ConfigureAwait(false);
        var all = new List<T>();
        while (await row.ReadAsync(cancellationToken).ConfigureAwait(false)) all.Add(read(row));
        return all;
    }

    private ValueTask<IReadOnlyList<T>> ReadAllAsync<T>(NpgsqlBatch batch, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken) =>
        PostgresReads.ReadAllAsync(database, batch, read, time, cancellationToken);

    private static UsageKey ReadKey(NpgsqlDataReader row) => new(
        row.GetInt64(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6));

    private static UsageAddition ReadAddition(NpgsqlDataReader row) =>
        new(ReadKey(row), UsageStatement.ReadSums(row, 7), row.GetFieldValue<DateTimeOffset>(15).ToUnixTimeMilliseconds());

    private static bool NoRow(NpgsqlDataReader row) => false;

    private static NpgsqlDbType Array(NpgsqlDbType element) => NpgsqlDbType.Array | element;

    private static NpgsqlParameterCollection AddKeys(NpgsqlParameterCollection parameters, UsageKey[] keys) => parameters
        .With(Array(NpgsqlDbType.Bigint), keys.Select(key => key.Hour).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.TenantId).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.KeyName).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.User).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.Model).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.BotId).ToArray())
        .With(Array(NpgsqlDbType.Text), keys.Select(key => key.AccountId).ToArray());

    private static void AddSums(NpgsqlParameterCollection parameters, IReadOnlyCollection<UsageSums> sums)
    {
        Func<UsageSums, long>[] columns =
        [
            sum => sum.Completed, sum => sum.Failed, sum => sum.Cancelled, sum => sum.Unknown, sum => sum.Attempts, sum => sum.InputTokens,
            sum => sum.OutputTokens, sum => sum.Credits,
        ];
        foreach (var column in columns) parameters.With(Array(NpgsqlDbType.Bigint), sums.Select(column).ToArray());
    }
}
