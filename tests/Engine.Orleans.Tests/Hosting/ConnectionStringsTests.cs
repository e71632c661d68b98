using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests.Hosting;

/// <summary>What nodes ask of the database's connections.</summary>
public sealed class ConnectionStringsTests
{
    [Theory]
    [InlineData(true, "", "on")]
    [InlineData(false, "", "off")]
    [InlineData(false, ";Options=-c statement_timeout=5000", "off")]
    public async Task Saves_wait_for_the_disk_as_the_options_say(bool wait, string more, string expected)
    {
        var options = new OrleansEngineOptions { ConnectionString = await Clusters.PostgresAsync() + more, SavesWaitForDisk = wait };

        await using var source = NpgsqlDataSource.Create(ConnectionStrings.ForStates(options));
        await using var command = source.CreateCommand("SHOW synchronous_commit");

        Assert.Equal(expected, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Statements_that_come_again_are_prepared()
    {
        await using var source = NpgsqlDataSource.Create(ConnectionStrings.WithDefaults(await Clusters.PostgresAsync() + ";Maximum Pool Size=1"));

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
    public void What_is_no_connection_string_is_told_without_what_may_be_secret(string text, string? expected)
    {
        var wrong = ConnectionStrings.WrongWith(text);

        if (expected is null) Assert.Null(wrong);
        else Assert.Contains(expected, wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", wrong ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_operator_set_stays()
    {
        var kept = new NpgsqlConnectionStringBuilder(ConnectionStrings.WithDefaults("Host=db;Max Auto Prepare=0;No Reset On Close=false;Maximum Pool Size=50"));
        var open = new NpgsqlConnectionStringBuilder(ConnectionStrings.WithDefaults("Host=db;Minimum Pool Size=30"));

        Assert.Equal((0, false, 50), (kept.MaxAutoPrepare, kept.NoResetOnClose, kept.MaxPoolSize));
        Assert.Equal((32, true, 30), (open.MaxAutoPrepare, open.NoResetOnClose, open.MaxPoolSize));
    }
}
