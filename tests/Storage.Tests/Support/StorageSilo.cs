using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Storage;
using Orleans.TestingHost;

namespace CozeCluster.Storage.Tests;

/// <summary>A silo in this process, on one of the storages.</summary>
public abstract class StorageSilo : IAsyncLifetime
{
    private InProcessTestCluster? _cluster;

    public TestEvents Events { get; } = new();

    public string ServiceId { get; set; } = $"service-{Guid.NewGuid():n}";

    public IGrainFactory Grains => Cluster.Client;

    public IGrainStorage Storage => Services.GetRequiredKeyedService<IGrainStorage>("Default");

    public IReminderTable Reminders => Services.GetRequiredService<IReminderTable>();

    public IServiceProvider Services => Cluster.Silos[0].ServiceProvider;

    private InProcessTestCluster Cluster => _cluster ?? throw new InvalidOperationException("The silo is not started.");

    /// <summary>Whether the storage can be used on this machine.</summary>
    public virtual bool IsAvailable => true;

    public async ValueTask InitializeAsync()
    {
        if (IsAvailable) await StartAsync();
    }

    public virtual async Task StartAsync()
    {
        var builder = new InProcessTestClusterBuilder(1);
        builder.Options.ServiceId = ServiceId;
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) =>
        {
            silo.Services.AddSingleton(Events);
            AddStorage(silo);
            silo.Services.AddSingleton<IGrainStorageSerializer, TestSerializer>();
        });
        _cluster = builder.Build();
        await _cluster.DeployAsync();
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    public async Task StopAsync()
    {
        if (_cluster is null) return;
        await _cluster.StopAllSilosAsync();
        await _cluster.DisposeAsync();
        _cluster = null;
    }

    /// <summary>Deactivates all grains.</summary>
    public Task DeactivateAsync() => Grains.GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    public virtual async ValueTask DisposeAsync()
    {
        await StopAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract void AddStorage(ISiloBuilder silo);
}

/// <summary>Tests that share a silo.</summary>
public abstract class StorageTest<TSilo> : IClassFixture<TSilo> where TSilo : StorageSilo
{
    protected StorageTest(TSilo silo)
    {
        Assert.SkipUnless(silo.IsAvailable, TestPostgres.NotInstalled);
        Silo = silo;
    }

    protected TSilo Silo { get; }
}

public sealed class SqliteSilo : StorageSilo
{
    public string DataDirectory { get; } = Directory.CreateTempSubdirectory("storage-").FullName;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(DataDirectory, recursive: true);
    }

    protected override void AddStorage(ISiloBuilder silo) => silo.AddSqliteStorage(options => options.DataDirectory = DataDirectory);
}

public sealed class PostgresSilo : StorageSilo
{
    public string ConnectionString { get; set; } = "";

    public bool SavesWaitForDisk { get; set; } = true;

    public override bool IsAvailable => PrivatePostgres.IsInstalled;

    public override async Task StartAsync()
    {
        if (ConnectionString.Length == 0) ConnectionString = await TestPostgres.ConnectionStringAsync();
        await base.StartAsync();
    }

    protected override void AddStorage(ISiloBuilder silo) => silo.AddPostgresStorage(options =>
    {
        options.ConnectionString = ConnectionString;
        options.SavesWaitForDisk = SavesWaitForDisk;
    });
}
