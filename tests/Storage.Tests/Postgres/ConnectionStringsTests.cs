using Npgsql;

namespace CozeCluster.Storage.Tests.Postgres;

public sealed class ConnectionStringsTests
{
    [Theory]
    [InlineData("")]
    [InlineData(";Options=-c statement_timeout=5000")]
    public async Task Commits_do_not_wait_for_the_disk_where_they_need_not(string more)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStrings.WithoutDisk(await TestPostgres.ConnectionStringAsync() + more));
        await using var command = source.CreateCommand("SELECT current_setting('synchronous_commit') || ' ' || current_setting('statement_timeout')");

        Assert.Equal(more.Length == 0 ? "off 0" : "off 5s", await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Statements_that_come_again_are_prepared()
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
    [InlineData("Host=db;Port=many", "the value of 'port'")]
    [InlineData("Host=db;SSL Mode=Perhaps", "the value of 'ssl mode'")]
    public void What_is_no_connection_string_is_reported_without_what_may_be_secret(string text, string? expected)
    {
        var wrong = ConnectionStrings.WrongWith(text);

        if (expected is null) Assert.Null(wrong);
        else Assert.Contains(expected, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_operator_has_set_is_kept()
    {
        var kept = new NpgsqlConnectionStringBuilder(ConnectionStrings.WithDefaults("Host=db;Max Auto Prepare=0;No Reset On Close=false;Maximum Pool Size=50"));
        var open = new NpgsqlConnectionStringBuilder(ConnectionStrings.WithDefaults("Host=db;Minimum Pool Size=30"));

        Assert.Equal((0, false, 50), (kept.MaxAutoPrepare, kept.NoResetOnClose, kept.MaxPoolSize));
        Assert.Equal((32, true, 30), (open.MaxAutoPrepare, open.NoResetOnClose, open.MaxPoolSize));
    }
}
