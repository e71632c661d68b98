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
