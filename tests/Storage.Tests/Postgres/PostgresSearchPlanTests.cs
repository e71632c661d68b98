using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>Searches and lists in a filled database read an index in its order, so that their cost does not depend on the number of rows.</summary>
public sealed class PostgresSearchPlanTests : IClassFixture<FilledDatabase>
{
    private readonly FilledDatabase _database;

    public PostgresSearchPlanTests(FilledDatabase database)
    {
        Assert.SkipUnless(PrivatePostgres.IsInstalled, TestPostgres.NotInstalled);
        _database = database;
    }

    [Theory]
    [InlineData("tenant", "tenant-3", "cozeturnsbytenant")]
    [InlineData("tenant", "unknown", "cozeturnsbytenant")]
    [InlineData("model", "model-2", "cozeturnsbymodel")]
    [InlineData("model", "unknown", "cozeturnsbymodel")]
    [InlineData("bot", "bot-5", "cozeturnsbybot", "cozeturnsunfinished")]
    [InlineData("bot", "unknown", "cozeturnsbybot", "cozeturnsunfinished")]
    [InlineData("account", "account-5", "cozeturnsbyaccount", "cozeturnsunfinished")]
    [InlineData("user", "user-77", "cozeturnsbyuser")]
    [InlineData("user", "unknown", "cozeturnsbyuser")]
    [InlineData("turn", "turn-77", "cozeturnsbyturn")]
    [InlineData("status", "Failed", "cozeturnsfailed")]
    [InlineData("status", "Cancelled", "cozeturnsfailed")]
    [InlineData("status", "Running", "cozeturnsunfinished")]
    [InlineData("status", "Completed", "cozeturns_pkey")]
    [InlineData("none", "", "cozeturns_pkey")]
    public async Task Search_ByOneTerm_UsesItsIndex(string term, string value, params string[] indexes)
    {
        var query = new TurnQuery
        {
            TenantId = term == "tenant" ? value : null,
            Model = term == "model" ? value : null,
            BotId = term == "bot" ? value : null,
            AccountId = term == "account" ? value : null,
            User = term == "user" ? value : null,
            TurnId = term == "turn" ? value : null,
            Status = term == "status" ? Enum.Parse<TurnStatus>(value) : null,
        };
        foreach (var page in (TurnQuery[])[query, query with { Before = TurnRowId.At(FilledDatabase.Start + TimeSpan.FromSeconds(30)) }])
        {
            foreach (var plan in await ExplainAsync(batch => _database.Log.AddSearch(batch, page)))
            {
                Assert.All(indexes, index => Assert.Contains(index, plan, StringComparison.Ordinal));
                Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ListConversations_AnyPage_ReadsItFromTheIndex(bool isFirst)
    {
        foreach (var plan in await ExplainAsync(batch => _database.Log.AddList(batch, "tenant-3", isFirst ? null : "name-500", 20)))
        {
            Assert.Contains("cozeconversationsbyuse", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Seq Scan", plan, StringComparison.Ordinal);
            Assert.DoesNotContain("Sort", plan, StringComparison.Ordinal);
        }
    }

    // Connections prepare statements. PostgreSQL then plans with the values of the parameters, or once for all values.
    private async Task<IReadOnlyList<string>> ExplainAsync(Action<NpgsqlBatch> addStatement)
    {
        await using var connection = await _database.Connections.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var statement = new NpgsqlBatch();
        addStatement(statement);
        var (sql, parameters) = (statement.BatchCommands[0].CommandText, statement.BatchCommands[0].Parameters);
        var types = parameters.Select(parameter => parameter.NpgsqlDbType.ToString());
        var values = parameters.Select(parameter => parameter.Value is DBNull ? "NULL" : $"'{parameter.Value}'");
        await ReadAsync($"PREPARE search ({string.Join(", ", types)}) AS {sql}");
        var plans = new List<string>();
        foreach (var mode in (string[])["custom", "generic"])
        {
            await ReadAsync($"SET plan_cache_mode = force_{mode}_plan");
            plans.Add(await ReadAsync($"EXPLAIN EXECUTE search ({string.Join(", ", values)})"));
        }
        return plans;

        async Task<string> ReadAsync(string command)
        {
            await using var reader = new NpgsqlCommand(command, connection);
            await using var row = await reader.ExecuteReaderAsync(TestContext.Current.CancellationToken);
            var lines = new List<string>();
            while (await row.ReadAsync(TestContext.Current.CancellationToken)) lines.Add(row.GetString(0));
            return string.Join('\n', lines);
        }
    }
}

/// <summary>A database with 40,000 turns of the first 40 s of a day and 2,000 conversations, in 10 tenants.</summary>
public sealed class FilledDatabase : IAsyncLifetime
{
    private readonly PostgresSilo _silo = new();

    public static DateTimeOffset Start { get; } = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal PostgresTurnLog Log => (PostgresTurnLog)_silo.Services.GetRequiredService<ITurnLog>();

    internal NpgsqlDataSource Connections => _silo.Services.GetRequiredService<PostgresDatabase>().Source;

    public async ValueTask InitializeAsync()
    {
        if (!PrivatePostgres.IsInstalled) return;
        _silo.ConnectionString = await TestPostgres.EmptyDatabaseAsync();
        await PostgresSchema.ApplyAsync(_silo.ConnectionString);
        // One in twenty has failed or was cancelled, and ten are running.
        await TestPostgres.ExecuteAsync(_silo.ConnectionString, $"""
            INSERT INTO CozeTurns (
                Id, Version, CreatedOn, EndedOn, Attempts, Status, IsHistory, ServiceId, ConversationKey, TurnId, TenantId, UserName, Model, BotId, AccountId,
                Details)
            SELECT {TurnRowId.At(Start)} + (n::bigint << 21), 1, now(), CASE WHEN n <= 39990 THEN now() END, 1,
                CASE WHEN n > 39990 THEN 1 WHEN n % 40 = 0 THEN 3 WHEN n % 40 = 1 THEN 4 ELSE 2 END, n % 2 = 0, '{_silo.ServiceId}', 'conv-' || n % 4000,
                'turn-' || n, 'tenant-' || n % 10, 'user-' || n % 500, 'model-' || n % 5, 'bot-' || n % 20, 'account-' || n % 50, '\x00'
            FROM generate_series(1, 40000) AS n;
            INSERT INTO CozeConversations (
                ServiceId, ConversationKey, TenantId, Name, CreatedOn, LastUsedOn, ExpiresOn, Version, Turns, IsDeleted)
            SELECT '{_silo.ServiceId}', 'conv-' || n, 'tenant-' || n % 10, 'name-' || n, now(), now() - n * interval '1 second', now(), 1, 1, false
            FROM generate_series(1, 2000) AS n;
            ANALYZE CozeTurns, CozeConversations
            """);
        await _silo.StartAsync();
    }

    public ValueTask DisposeAsync() => _silo.DisposeAsync();
}
