using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>The connections that a silo saves states with.</summary>
public sealed class PostgresDatabaseTests : IAsyncDisposable
{
    private readonly PostgresSilo _silo = new();

    [Theory]
    [InlineData(true, "on")]
    [InlineData(false, "off")]
    public async Task Saves_wait_for_the_disk_as_the_options_say(bool wait, string expected)
    {
        _silo.SavesWaitForDisk = wait;
        await _silo.StartAsync();

        var source = _silo.Services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(PostgresGrainStorage.AdoNet).DataSource!;
        await using var command = source.CreateCommand("SHOW synchronous_commit");

        Assert.Equal(expected, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    public ValueTask DisposeAsync() => _silo.DisposeAsync();
}
