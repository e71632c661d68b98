using CozeCluster.TestKit;
using Npgsql;

[assembly: AssemblyFixture(typeof(CozeCluster.Storage.Tests.TestPostgres))]

namespace CozeCluster.Storage.Tests;

/// <summary>The PostgreSQL server that all tests share. The first test that needs it starts it.</summary>
public sealed class TestPostgres : IAsyncDisposable
{
    public const string NotInstalled = "PostgreSQL is not installed: install Debian's package postgresql.";

    private static readonly Lazy<Task<PrivatePostgres>> Server = new(async () =>
    {
        var server = await PrivatePostgres.StartAsync();
        await PostgresSchema.ApplyAsync(server.ConnectionString);
        return server;
    });

    /// <summary>A database with the schema. Skips the test where PostgreSQL is not installed.</summary>
    public static async Task<string> ConnectionStringAsync()
    {
        Assert.SkipUnless(PrivatePostgres.IsInstalled, NotInstalled);
        return (await Server.Value).ConnectionString;
    }

    /// <summary>An empty database.</summary>
    public static async Task<string> EmptyDatabaseAsync()
    {
        var server = await ConnectionStringAsync();
        var name = $"test_{Guid.NewGuid():n}";
        await ExecuteAsync(server, $"CREATE DATABASE {name}");
        return new NpgsqlConnectionStringBuilder(server) { Database = name, Pooling = false }.ToString();
    }

    public static async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    public static async Task<object?> ScalarAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Server.IsValueCreated) await (await Server.Value).DisposeAsync();
    }
}
