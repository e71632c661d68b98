using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

[assembly: AssemblyFixture(typeof(CozeCluster.Engine.Orleans.Tests.Clusters))]

namespace CozeCluster.Engine.Orleans.Tests;

/// <summary>Silos and a client without a silo, each a host of its own in this process, on the tests' PostgreSQL.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    /// <summary>The collection of tests that take turns.</summary>
    public const string Collection = "cluster";

    private readonly string _id = $"test-{Guid.NewGuid():n}";
    private readonly IReadOnlyList<GrainDefinition> _definitions;
    private readonly Action<IServiceCollection> _services;
    private readonly Action<OrleansEngineOptions>? _options;
    private readonly int _silos;
    private IHost? _client;

    private TestCluster(int silos, IReadOnlyList<GrainDefinition> definitions, Action<IServiceCollection> services, Action<OrleansEngineOptions>? options, string connectionString)
    {
        _silos = silos;
        _definitions = definitions;
        _services = services;
        _options = options;
        ConnectionString = connectionString;
    }

    public string ConnectionString { get; }

    /// <summary>The silos that run.</summary>
    public List<IHost> Silos { get; } = [];

    /// <summary>Grains as the client finds them.</summary>
    public IGrains Grains => Client.GetRequiredService<IGrains>();

    /// <summary>The client's services.</summary>
    public IServiceProvider Client => _client?.Services ?? throw new InvalidOperationException("Not started.");

    /// <param name="silos">How many.</param>
    /// <param name="definitions">The kinds of grains.</param>
    /// <param name="services">What grains' constructors need, besides what the engine gives them.</param>
    /// <param name="options">Adds adapters.</param>
    public static async Task<TestCluster> StartAsync(
        int silos, IReadOnlyList<GrainDefinition> definitions, Action<IServiceCollection> services, Action<OrleansEngineOptions>? options = null)
    {
        var cluster = new TestCluster(silos, definitions, services, options, await Clusters.PostgresAsync());
        Clusters.Add(cluster);
        await cluster.StartAsync();
        return cluster;
    }

    public async Task RestartAsync()
    {
        await StopAsync();
        await StartAsync();
    }

    /// <summary>Has idle grains put away on every silo.</summary>
    public Task CollectIdleAsync() => Client.GetRequiredService<IGrainFactory>().GetGrain<IManagementGrain>(0).ForceActivationCollection(TimeSpan.Zero);

    /// <summary>Ends a silo from one moment to the next: it says goodbye to nobody and puts no grain away.</summary>
    public async Task KillAsync(IHost silo)
    {
        Silos.Remove(silo);
        await silo.StopAsync(new CancellationToken(canceled: true));
        await ((IAsyncDisposable)silo).DisposeAsync();
    }

    /// <summary>Has a silo leave the cluster.</summary>
    public Task LeaveAsync(IHost silo)
    {
        Silos.Remove(silo);
        return StopAsync(silo);
    }

    /// <summary>Adds a silo.</summary>
    public async Task<IHost> AddSiloAsync()
    {
        Silos.Add(await StartHostAsync(services => services.AddOrleansSilo(_definitions, Configure)));
        return Silos[^1];
    }

    /// <summary>Starts one more client.</summary>
    public async Task<IAsyncDisposable> StartClientAsync(Action<OrleansEngineOptions> change, CancellationToken cancellationToken) => (IAsyncDisposable)await StartHostAsync(
        services => services.AddOrleansGateway(_definitions, options =>
        {
            Configure(options);
            change(options);
        }),
        cancellationToken);

    /// <summary>Gives a host the options of this cluster.</summary>
    public void Configure(OrleansEngineOptions options)
    {
        options.ConnectionString = ConnectionString;
        options.ClusterId = _id;
        options.ServiceId = _id;
        // Of ten thousand calls at once on a busy machine the last waits long.
        options.CallTimeout = TimeSpan.FromMinutes(2);
        options.SiloPort = FreePorts.Next();
        options.GatewayPort = FreePorts.Next();
        _options?.Invoke(options);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task StartAsync()
    {
        for (var i = 0; i < _silos; i++) await AddSiloAsync();
        _client = await StartHostAsync(services => services.AddOrleansGateway(_definitions, Configure));
    }

    private async Task StopAsync()
    {
        if (_client is not null) await StopAsync(_client);
        _client = null;
        await Task.WhenAll(Silos.Select(StopAsync));
        Silos.Clear();
    }

    private async Task<IHost> StartHostAsync(Action<IServiceCollection> engine, CancellationToken cancellationToken = default)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddFilter("Orleans", LogLevel.None);
        if (Environment.GetEnvironmentVariable("CLUSTER_TESTS_LOG") is { Length: > 0 } level)
            builder.Logging.ClearProviders().AddConsole().SetMinimumLevel(Enum.Parse<LogLevel>(level)).AddFilter("Orleans", Enum.Parse<LogLevel>(level));
        _services(builder.Services);
        engine(builder.Services);
        var host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    private static async Task StopAsync(IHost host)
    {
        await host.StopAsync();
        await ((IAsyncDisposable)host).DisposeAsync();
    }
}
