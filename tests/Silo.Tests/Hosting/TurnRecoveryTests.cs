using System.Collections.Concurrent;
using CozeCluster.Silo.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class TurnRecoveryTests
{
    private readonly Registries _registries = new();

    [Fact]
    public async Task Start_SweepsAllRegistriesDespiteAFailure_AndAgainWhenSilosDepart()
    {
        var departures = new SiloDepartures();
        using var recovery = new TurnRecovery(_registries, departures, NullLogger<TurnRecovery>.Instance);
        await recovery.StartAsync(CancellationToken.None);
        await _registries.SweptAsync(GrainKeys.RunningTurnsShards);

        departures.Publish();

        await _registries.SweptAsync(GrainKeys.RunningTurnsShards);
        Assert.All(_registries.Swept.CountBy(key => key), swept => Assert.Equal(2, swept.Value));
        await recovery.StopAsync(CancellationToken.None);
    }

    private sealed class Registries : FakeGrains
    {
        public ConcurrentQueue<string> Swept { get; } = new();

        public SemaphoreSlim Sweeps { get; } = new(0);

        public async Task SweptAsync(int times)
        {
            for (; times > 0; times--) Assert.True(await Sweeps.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        protected override IGrainWithStringKey Find(Type grain, string key) => new Registry(this, key);
    }

    private sealed class Registry(Registries registries, string key) : IRunningTurnsGrain
    {
        public Task Sweep()
        {
            registries.Swept.Enqueue(key);
            registries.Sweeps.Release();
            return key == GrainKeys.RunningTurnsShard(3) ? Task.FromException(new ClusterException(ErrorCode.CallRejected, "not now")) : Task.CompletedTask;
        }

        public Task Add(string conversationKey, bool atOnce) => throw new NotSupportedException();

        public Task Remove(string conversationKey) => throw new NotSupportedException();
    }
}
