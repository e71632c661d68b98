using CozeCluster.TestKit;
using Microsoft.Extensions.Options;
using Npgsql;
using Orleans.Configuration;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>The test of the storage of a cluster says why saves are not kept, and succeeds by itself when they are.</summary>
public sealed class PostgresStorageProbeTests : IAsyncDisposable
{
    private PrivatePostgres? _server;
    private PostgresDatabase? _database;

    [Fact(Timeout = 120_000)]
    public async Task Check_ServerThatStops_SaysSoUntilItRunsAgain()
    {
        var probe = await StartAsync();
        Assert.Null(await probe.Check(TestContext.Current.CancellationToken));

        await _server!.StopAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(
                "The database server cannot be reached. PostgreSQL must run, and accept connections from this node.",
                await probe.Check(TestContext.Current.CancellationToken));
        }

        await _server.ContinueAsync();
        // The first connection of the pool may be one that the server had before.
        while (await probe.Check(TestContext.Current.CancellationToken) is not null) await Task.Yield();
    }

    [Fact(Timeout = 120_000)]
    public async Task Check_ReadOnlyServer_SaysSoUntilItCanBeWritten()
    {
        var probe = await StartAsync();

        await ConfigureAsync("ALTER SYSTEM SET default_transaction_read_only = on");
        while (await probe.Check(TestContext.Current.CancellationToken) is not { } reason
            || !reason.StartsWith("The database is read-only.", StringComparison.Ordinal))
            await Task.Yield();

        await ConfigureAsync("ALTER SYSTEM RESET default_transaction_read_only");
        while (await probe.Check(TestContext.Current.CancellationToken) is not null) await Task.Yield();
    }

    [Theory(Timeout = 120_000)]
    [InlineData("CozeTurns")]
    [InlineData("CozeConversations")]
    [InlineData("CozeFleet")]
    public async Task Storage_TableIsRefused_IsTestedAtOnce(string table)
    {
        await StartAsync();
        var failures = 0;
        _database!.Failed = () => failures++;
        var cluster = Options.Create(new ClusterOptions { ServiceId = "service" });
        var conversations = new PostgresConversationStore(_database, cluster, TimeProvider.System);
        var log = new PostgresTurnLog(_database, cluster, TimeProvider.System);
        var fleet = new PostgresFleetStore(_database, cluster);
        await fleet.Commit(0, 1, []);
        await Assert.ThrowsAsync<ClusterException>(() => fleet.Commit(0, 1, []));
        var head = new ConversationHead("tenant", "name", default, default, 1, default);
        var create = new ConversationCommit("key") { Head = head, NextHeadVersion = 1 };
        await conversations.Commit(create);
        Assert.Equal(ErrorCode.StateConflict, (await Assert.ThrowsAsync<ClusterException>(() => conversations.Commit(create))).Code);
        Assert.Equal(0, failures);

        await TestPostgres.ExecuteAsync(_server!.ConnectionString, $"ALTER TABLE {table} RENAME TO Gone");
        List<Func<Task>> operations = table switch
        {
            "CozeFleet" => [() => fleet.Commit(1, 2, []), async () => await fleet.ReadVersion(default), async () => await fleet.Read(0, "", 1, default)],
            "CozeTurns" => [() => conversations.Delete("key"), async () => await conversations.ReadTurns("key", 1, default), Search],
            _ => [() => conversations.Commit(create), async () => await conversations.Load("key", default), List],
        };
        foreach (var operation in operations) Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(operation)).Code);

        Assert.Equal(operations.Count, failures);

        async Task Search() => await log.Search(new TurnQuery { Limit = 1 }, default);
        async Task List() => await log.ListConversations("tenant", null, 1, default);
    }

    [Theory]
    [InlineData("ALTER ROLE node SET default_transaction_read_only = on", "The database is read-only.")]
    [InlineData("REVOKE INSERT ON OrleansStorage FROM node", "The user of this node may not write")]
    [InlineData("ALTER TABLE OrleansStorage RENAME TO Gone", "The database does not contain the tables")]
    [InlineData("ALTER ROLE node NOLOGIN", "The database server refuses the user")]
    public async Task Check_DatabaseThatRefuses_SaysWhy(string fault, string expected)
    {
        var probe = await StartAsync(user: "node");
        await TestPostgres.ExecuteAsync(_server!.ConnectionString, fault);

        Assert.StartsWith(expected, await probe.Check(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        if (_database is not null) await _database.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    private async Task<PostgresStorageProbe> StartAsync(string? user = null)
    {
        Assert.SkipUnless(PrivatePostgres.IsInstalled, TestPostgres.NotInstalled);
        _server = await PrivatePostgres.StartAsync();
        await PostgresSchema.ApplyAsync(_server.ConnectionString);
        var connection = new NpgsqlConnectionStringBuilder(_server.ConnectionString);
        if (user is not null)
        {
            await TestPostgres.ExecuteAsync(_server.ConnectionString, $"CREATE ROLE {user} LOGIN; GRANT ALL ON ALL TABLES IN SCHEMA public TO {user}");
            connection.Username = user;
        }
        _database = new PostgresDatabase(new PostgresStorageOptions { ConnectionString = connection.ToString() });
        return new PostgresStorageProbe(_database, Options.Create(new ClusterOptions { ServiceId = "service" }));
    }

    private async Task ConfigureAsync(string sql)
    {
        var writable = new NpgsqlConnectionStringBuilder(_server!.ConnectionString) { Options = "-c default_transaction_read_only=off" }.ToString();
        await TestPostgres.ExecuteAsync(writable, sql);
        await TestPostgres.ExecuteAsync(writable, "SELECT pg_reload_conf()");
    }
}
