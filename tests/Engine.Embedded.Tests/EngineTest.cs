using CozeCluster.Engine.Contract;
using CozeCluster.Engine.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Engine.Embedded.Tests;

/// <summary>What tests of the embedded engine share.</summary>
public abstract class EngineTest : IAsyncDisposable
{
    protected const int Hang = 120_000;

    private readonly List<TestEngine> _engines = [];

    protected Probe Probe { get; } = new();

    protected Tally Tally { get; } = new();

    protected async Task<TestEngine> StartAsync(
        ClusterLikeOptions? clusterLike = null, Action<EmbeddedEngineOptions>? options = null, string? directory = null, IReadOnlyList<GrainDefinition>? definitions = null)
    {
        var engine = await TestEngine.StartAsync(
            definitions ?? TestGrains.Definitions, services => services.AddSingleton(Probe).AddSingleton(Tally), clusterLike, options, directory: directory);
        _engines.Add(engine);
        return engine;
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var engine in Enumerable.Reverse(_engines)) await engine.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
