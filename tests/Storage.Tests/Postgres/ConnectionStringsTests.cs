using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

public sealed class ConnectionStringsTests
{
    [Theory]
    [InlineData("")]
    [InlineData(";Options=-c statement_timeout=5000")]
    public async Task Commits_without_disk_do_not_wait_and_other_options_stay(string options)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStrings.WithoutDisk(await TestPostgres.ConnectionStringAsync() + options));
        await using var command = source.CreateCommand("SELECT current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout')");

        Assert.Equal(options.Length == 0 ? "off 0" : "off 5s", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Repeated_statements_are_prepared()
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStrings.WithDefaults(await TestPostgres.ConnectionStringAsync() + ";Maximum Pool Size=1"));

        for (var i = 0; i < 10; i++) await Run("SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'any'");

        Assert.Equal(1L, await Run("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%OrleansQuery WHERE%'"));

        async Task<object?> Run(string statement)
        {
            await using var command = source.CreateCommand(statement);
            return await command.ExecuteScalarAsync(TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("Host=db;Database=coze;Username=coze;Password='a;b=c'", null)]
    [InlineData("Server=db;User ID=coze;SSL Mode=VerifyFull;Maximum Pool Size=5", null)]
    [InlineData("postgres://coze:hunter2@db/coze", "cannot be read")]
    [InlineData("Host=db;Password=a;hunter2", "cannot be read")]
    [InlineData("Host=db;Password=a;hunter2=c", "1 of its keywords")]
    [InlineData("Host=db;Port=many", "value of 'port'")]
    [InlineData("Host=db;SSL Mode=Perhaps", "value of 'ssl mode'")]
    public void An_invalid_connection_string_is_reported_without_its_secrets(string text, string? expected)
    {
        var problem = ConnectionStrings.FindProblem(text);

        if (expected is null) Assert.Null(problem);
        else Assert.Contains(expected, problem, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", problem ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void Values_of_the_operator_are_not_changed()
    {
        var given = new NpgsqlConnectionStringBuilder(
            ConnectionStrings.WithDefaults("Host=db;Max Auto Prepare=0;No Reset On Close=false;Maximum Pool Size=50"));
        var defaults = new NpgsqlConnectionStringBuilder(ConnectionStrings.WithDefaults("Host=db;Minimum Pool Size=30"));

        Assert.Equal((0, false, 50), (given.MaxAutoPrepare, given.NoResetOnClose, given.MaxPoolSize));
        Assert.Equal((64, true, 30), (defaults.MaxAutoPrepare, defaults.NoResetOnClose, defaults.MaxPoolSize));
    }
}
