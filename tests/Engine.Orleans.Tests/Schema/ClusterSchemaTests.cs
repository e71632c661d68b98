using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>The schema: on nothing, on itself, by many at once, over an older one.</summary>
public sealed class ClusterSchemaTests : IAsyncLifetime
{
    private readonly string _name = $"schema_{Guid.NewGuid():n}";
    private string _database = "";

    public async ValueTask InitializeAsync()
    {
        var server = await Clusters.PostgresAsync();
        await ExecuteAsync(server, $"CREATE DATABASE {_name}");
        _database = new NpgsqlConnectionStringBuilder(server) { Database = _name, Pooling = false }.ToString();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Applied_again_it_changes_nothing()
    {
        await ClusterSchema.ApplyAsync(_database);
        await ExecuteAsync(_database, "INSERT INTO OrleansStorage VALUES ('s', 'kind', '=key', '{}', now(), 7)");
        var before = await QueriesAsync();

        await ClusterSchema.ApplyAsync(_database);

        Assert.Equal(before, await QueriesAsync());
        Assert.Equal(7, await ScalarAsync("SELECT Version FROM OrleansStorage"));
    }

    [Fact]
    public async Task Nodes_may_apply_it_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => ClusterSchema.ApplyAsync(_database)));

        Assert.NotEmpty(await QueriesAsync());
    }

    [Fact]
    public async Task An_older_statement_is_replaced()
    {
        await ClusterSchema.ApplyAsync(_database);
        var now = await QueriesAsync();
        await ExecuteAsync(_database, "UPDATE OrleansQuery SET QueryText = 'SELECT 1' WHERE QueryKey = 'ReadFromStorageKey'");

        await ClusterSchema.ApplyAsync(_database);

        Assert.Equal(now, await QueriesAsync());
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_is_a_clear_error_without_the_password()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => ClusterSchema.ApplyAsync("Host=127.0.0.1;Port=1;Username=u;Password=very-secret;Database=d"));

        Assert.Contains("schema", error.Message);
        Assert.DoesNotContain("very-secret", error.ToString());
    }

    private async Task<IReadOnlyList<string>> QueriesAsync()
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand("SELECT QueryKey, QueryText FROM OrleansQuery ORDER BY QueryKey");
        await using var row = await command.ExecuteReaderAsync();
        var all = new List<string>();
        while (await row.ReadAsync()) all.Add(row.GetString(0) + row.GetString(1));
        return all;
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(_database);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
