using CozeCluster.Engine.Embedded;
using CozeCluster.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace CozeCluster.Engine.Testing;

/// <summary>An embedded engine in a directory of its own, on a clock that the test moves. Disposing stops it and deletes the directory.</summary>
public sealed class TestEngine : IAsyncDisposable
{
    private readonly IReadOnlyList<GrainDefinition> _definitions;
    private readonly Action<IServiceCollection>? _configure;
    private readonly Action<EmbeddedEngineOptions>? _options;
    private readonly bool _ownsDirectory;
    private ServiceProvider? _services;

    private TestEngine(
        IEnumerable<GrainDefinition> definitions, Action<IServiceCollection>? configure, Action<EmbeddedEngineOptions>? options, TimeProvider? time, string? directory, TestEngine? copyOf)
    {
        _definitions = [.. definitions];
        _configure = configure;
        _options = options;
        _ownsDirectory = directory is null;
        Clock = time ?? Time;
        Directory = directory ?? System.IO.Directory.CreateTempSubdirectory("engine-").FullName;
        if (copyOf is null) return;
        foreach (var file in System.IO.Directory.GetFiles(copyOf.Directory, "*.db*")) File.Copy(file, Path.Combine(Directory, Path.GetFileName(file)));
    }

    /// <summary>The clock of the engine and, as the registered <see cref="TimeProvider"/>, of grains, unless another was given.</summary>
    public ManualTime Time { get; } = new();

    /// <summary>Where the engine keeps its data.</summary>
    public string Directory { get; }

    /// <summary>The services grains are made from.</summary>
    public IServiceProvider Services => _services ?? throw new InvalidOperationException("The engine is stopped.");

    /// <summary>The grains, as found from outside.</summary>
    public IGrains Grains => Services.GetRequiredService<IGrains>();

    private TimeProvider Clock { get; }

    /// <summary>Starts an engine.</summary>
    /// <param name="definitions">The kinds of grains.</param>
    /// <param name="services">Adds what the grains' constructors need.</param>
    /// <param name="clusterLike">Faults to inject; null for none, and no trip through the wire either.</param>
    /// <param name="options">Changes any other option.</param>
    /// <param name="time">Another clock than <see cref="Time"/>, such as <see cref="TimeProvider.System"/>.</param>
    /// <param name="directory">Keeps data here, and leaves it there at the end.</param>
    /// <param name="copyOf">Begins with what this one has on disk now, as after a crash of it.</param>
    public static async Task<TestEngine> StartAsync(
        IEnumerable<GrainDefinition> definitions,
        Action<IServiceCollection>? services = null,
        ClusterLikeOptions? clusterLike = null,
        Action<EmbeddedEngineOptions>? options = null,
        TimeProvider? time = null,
        string? directory = null,
        TestEngine? copyOf = null)
    {
        var engine = new TestEngine(definitions, services, o =>
        {
            o.ClusterLike = clusterLike;
            options?.Invoke(o);
        }, time, directory, copyOf);
        await engine.StartAsync();
        return engine;
    }

    /// <summary>Starts again after <see cref="StopAsync"/>, on the same data.</summary>
    public async Task StartAsync()
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddEmbeddedEngine(_definitions, o =>
        {
            o.DataDirectory = Directory;
            _options?.Invoke(o);
        });
        _configure?.Invoke(services);
        services.TryAddSingleton(Clock);
        _services = services.BuildServiceProvider();
        foreach (var service in _services.GetServices<IHostedService>()) await service.StartAsync(CancellationToken.None);
    }

    /// <summary>Shuts down gracefully.</summary>
    public async Task StopAsync()
    {
        if (_services is null) return;
        foreach (var service in _services.GetServices<IHostedService>().Reverse()) await service.StopAsync(CancellationToken.None);
        await _services.DisposeAsync();
        _services = null;
    }

    /// <summary>Shuts down gracefully and starts again.</summary>
    public async Task RestartAsync()
    {
        await StopInTimeAsync(TimeSpan.FromSeconds(1));
        await StartAsync();
    }

    /// <summary>How many grains are in memory.</summary>
    public int ActivationCount => Engine.ActivationCount;

    private EmbeddedEngine Engine => Services.GetRequiredService<EmbeddedEngine>();

    /// <summary>Puts every grain away that neither runs a call nor background work, however short it has been idle, and waits until it is gone.</summary>
    public Task CollectIdleAsync() => Engine.CollectIdle();

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopInTimeAsync(TimeSpan.Zero);
        if (_ownsDirectory) System.IO.Directory.Delete(Directory, recursive: true);
    }

    /// <summary>Stops; what waits by the test's clock has to come to its end too, if it does not within <paramref name="first"/>.</summary>
    private async Task StopInTimeAsync(TimeSpan first)
    {
        var stopped = StopAsync();
        await Task.WhenAny(stopped, Task.Delay(first));
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (!stopped.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            (Clock as ManualTime)?.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(stopped, Task.Delay(5));
        }
        await stopped;
    }
}
