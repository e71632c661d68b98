using System.Collections.Concurrent;
using CozeCluster.Silo.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class TurnSweepTests
{
    private readonly Registries _registries = new();

    [Fact]
    public async Task Start_SweepsEveryRegistryThoughOneRefuses_AndAgainWhenNodesHaveGone()
    {
        using var sweep = new TurnSweep(_registries, NullLogger<TurnSweep>.Instance);
        await sweep.StartAsync(CancellationToken.None);
        await _registries.SweptAsync(GrainKeys.RunningTurnsShards);

        _registries.Gone!();

        await _registries.SweptAsync(GrainKeys.RunningTurnsShards);
        Assert.All(_registries.Swept.CountBy(key => key), swept => Assert.Equal(2, swept.Value));
        await sweep.StopAsync(CancellationToken.None);
        Assert.Null(_registries.Gone);
    }

    private sealed class Registries : IGrains, IDisposable
    {
        public ConcurrentQueue<string> Swept { get; } = new();

        public SemaphoreSlim Sweeps { get; } = new(0);

        public Action? Gone { get; private set; }

        public async Task SweptAsync(int times)
        {
            for (; times > 0; times--) Assert.True(await Sweeps.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        public T Get<T>(string key) where T : class, IGrain => (T)(object)new Registry(this, key);

        public IObserverHandle<T> Observe<T>(T observer) where T : class, IObserver => throw new NotSupportedException();

        public IDisposable OnNodesGone(Action gone)
        {
            Gone = gone;
            return this;
        }

        public void Dispose() => Gone = null;
    }

    private sealed class Registry(Registries registries, string key) : IRunningTurnsGrain
    {
        public Task Sweep()
        {
            registries.Swept.Enqueue(key);
            registries.Sweeps.Release();
            return key == GrainKeys.RunningTurnsShard(3) ? Task.FromException(new ClusterException(ErrorCode.EngineRejected, "not now")) : Task.CompletedTask;
        }

        public Task Add(string conversationKey, bool atOnce) => throw new NotSupportedException();

        public Task Remove(string conversationKey) => throw new NotSupportedException();
    }
}
