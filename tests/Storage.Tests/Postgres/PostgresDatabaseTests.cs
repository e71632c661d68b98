using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Orleans.Configuration;

namespace CozeCluster.Storage.Tests.Postgres;

/// <summary>The connections on which a silo saves states.</summary>
public sealed class PostgresDatabaseTests : IAsyncDisposable
{
    private readonly PostgresSilo _silo = new();

    [Theory]
    [InlineData(true, "on")]
    [InlineData(false, "off")]
    public async Task Saves_wait_for_the_disk_if_the_option_is_set(bool savesWaitForDisk, string expected)
    {
        _silo.SavesWaitForDisk = savesWaitForDisk;
        await _silo.StartAsync();

        var source = _silo.Services.GetRequiredService<IOptionsMonitor<AdoNetGrainStorageOptions>>().Get(PostgresGrainStorage.AdoNet).DataSource!;
        await using var command = source.CreateCommand("SHOW synchronous_commit");

        Assert.Equal(expected, await command.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    public ValueTask DisposeAsync() => _silo.DisposeAsync();
}
