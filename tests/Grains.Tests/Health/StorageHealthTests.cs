using CozeCluster.Grains.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Health;

/// <summary>A process without a silo learns from a silo whether the storage takes saves.</summary>
public sealed class StorageHealthTests
{
    [Fact]
    public async Task Check_asks_the_storage_of_the_silo()
    {
        var storage = new FakeStorage();
        await using var silo = await TestSilo.StartAsync(silo => silo.Services.AddSingleton<IStorageProbe>(storage));
        var probe = new SiloStorageProbe(silo.Grains);
        Assert.Null(await probe.Check(TestContext.Current.CancellationToken));

        storage.Reason = "The disk of the data directory is full.";

        Assert.Equal(storage.Reason, await probe.Check(TestContext.Current.CancellationToken));
    }

    private sealed class FakeStorage : IStorageProbe
    {
        public string? Reason { get; set; }

        public Task<string?> Check(CancellationToken cancellationToken) => Task.FromResult(Reason);
    }
}
