using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>Applies the schema to an empty database, a second time, by several nodes at once, and over other versions.</summary>
public sealed class PostgresSchemaTests : IAsyncLifetime
{
    private string _database = "";

    public async ValueTask InitializeAsync() => _database = await TestPostgres.EmptyDatabaseAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task Applying_the_schema_again_changes_nothing()
    {
        await PostgresSchema.ApplyAsync(_database);
        await TestPostgres.ExecuteAsync(_database, "INSERT INTO OrleansStorage VALUES ('s', 'kind', '=key', '{}', now(), 7)");
        var before = await QueriesAsync();

        await PostgresSchema.ApplyAsync(_database);

        Assert.Equal(before, await QueriesAsync());
        Assert.Equal(7, await TestPostgres.ScalarAsync(_database, "SELECT Version FROM OrleansStorage"));
    }

    [Fact]
    public async Task Several_nodes_can_apply_the_schema_at_once()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostgresSchema.ApplyAsync(_database)));

        Assert.NotEmpty(await QueriesAsync());
    }

    [Fact]
    public async Task An_outdated_statement_is_replaced()
    {
        await PostgresSchema.ApplyAsync(_database);
        var now = await QueriesAsync();
        await TestPostgres.ExecuteAsync(_database, "UPDATE OrleansQuery SET QueryText = 'SELECT 1' WHERE QueryKey = 'ReadFromStorageKey'");

        await PostgresSchema.ApplyAsync(_database);

        Assert.Equal(now, await QueriesAsync());
    }

    [Fact]
    public async Task A_database_with_the_schema_is_accepted()
    {
        await PostgresSchema.ApplyAsync(_database);

        await PostgresSchema.VerifyAsync(_database);
    }

    [Fact]
    public async Task A_database_without_tables_is_refused_until_the_schema_is_applied()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.VerifyAsync(_database));

        Assert.Equal((ErrorCode.Internal, "The database does not contain the tables of CozeCluster. Apply the schema first."), (error.Code, error.Message));
    }

    [Fact]
    public async Task A_database_of_an_older_build_is_refused_and_not_changed()
    {
        await TestPostgres.ExecuteAsync(_database, "CREATE TABLE OrleansQuery (QueryKey varchar(64) PRIMARY KEY, QueryText text NOT NULL)");

        var verified = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.VerifyAsync(_database));
        var applied = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.ApplyAsync(_database));

        Assert.Equal(ErrorCode.Internal, applied.Code);
        Assert.Equal("An older build has set up this database. Use another, empty database.", applied.Message);
        Assert.Equal(applied.Message, verified.Message);
        Assert.Equal(1L, await TestPostgres.ScalarAsync(_database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
    }

    [Fact]
    public async Task A_database_with_an_older_schema_is_refused_and_not_changed()
    {
        await PostgresSchema.ApplyAsync(_database);
        await TestPostgres.ExecuteAsync(_database, "UPDATE CozeSchema SET Version = 1; DROP TABLE CozeTurns");

        var verified = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.VerifyAsync(_database));
        var applied = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.ApplyAsync(_database));

        Assert.Equal(
            "The database has schema version 1, but this build supports version 5. An older build has set it up: use another, empty database.",
            verified.Message);
        Assert.Equal(verified.Message, applied.Message);
        Assert.IsType<DBNull>(await TestPostgres.ScalarAsync(_database, "SELECT to_regclass('CozeTurns')::text"));
    }

    [Fact]
    public async Task A_database_of_a_newer_build_is_refused()
    {
        await PostgresSchema.ApplyAsync(_database);
        await TestPostgres.ExecuteAsync(_database, "INSERT INTO CozeSchema (Version) VALUES (6)");

        var verified = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.VerifyAsync(_database));
        var applied = await Assert.ThrowsAsync<ClusterException>(() => PostgresSchema.ApplyAsync(_database));

        Assert.Equal("The database has schema version 6, but this build supports version 5. Run the newer build.", verified.Message);
        Assert.Equal(verified.Message, applied.Message);
    }

    [Fact]
    public async Task A_silo_on_a_database_of_an_older_build_does_not_start()
    {
        await TestPostgres.ExecuteAsync(_database, "CREATE TABLE OrleansQuery (QueryKey varchar(64) PRIMARY KEY, QueryText text NOT NULL)");
        await using var silo = new PostgresSilo { ConnectionString = _database };

        var error = await Assert.ThrowsAsync<ClusterException>(silo.StartAsync);

        Assert.Contains("older build", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_error_for_an_unreachable_database_does_not_contain_the_password()
    {
        var error = await Assert.ThrowsAsync<ClusterException>(
            () => PostgresSchema.ApplyAsync("Host=127.0.0.1;Port=1;Username=u;Password=very-secret;Database=d"));

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
}
