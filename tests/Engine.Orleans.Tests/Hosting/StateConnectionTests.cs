using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace CozeCluster.Engine.Orleans.Tests.Hosting;

/// <summary>Whether saves wait for the database's disk.</summary>
public sealed class StateConnectionTests
{
    [Theory]
    [InlineData(true, "", "on")]
    [InlineData(false, "", "off")]
    [InlineData(false, ";Options=-c statement_timeout=5000", "off")]
    public async Task Saves_wait_for_the_disk_as_the_options_say(bool wait, string more, string expected)
    {
        var options = new OrleansEngineOptions { ConnectionString = await Clusters.PostgresAsync() + more, SavesWaitForDisk = wait };

        await using var source = NpgsqlDataSource.Create(OrleansEngineServices.ForStates(options));
        await using var command = source.CreateCommand("SHOW synchronous_commit");

        Assert.Equal(expected, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }
}
