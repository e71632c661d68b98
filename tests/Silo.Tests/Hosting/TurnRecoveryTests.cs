using System.Collections.Concurrent;
using CozeCluster.Silo.Hosting;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class TurnRecoveryTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Sweeps _sweeps = new();
    private readonly SiloDepartures _departures = new();
    private readonly ManualTime _time = new();

    [Fact]
    public async Task Start_AndDeparturesOfSilos_SweepAllTurns()
    {
        using var recovery = await Start();
        await _sweeps.Next();

        _departures.Publish();

        await _sweeps.Next();
        Assert.Equal([TimeSpan.Zero, TimeSpan.Zero], _sweeps.Ages);
        await recovery.StopAsync(CancellationToken.None);
    }

    [Fact]
    public async Task EveryMinute_TheTurnsThatAreOlderAreSwept_DespiteAFailure()
    {
        _sweeps.Failure = new ClusterException(ErrorCode.CallRejected, "not now");
        using var recovery = await Start();
        await _sweeps.Next();

        for (var i = 0; i < 2; i++)
        {
            _time.Advance(Minute);
            await _sweeps.Next();
        }

        Assert.Equal([TimeSpan.Zero, Minute, Minute], _sweeps.Ages);
        await recovery.StopAsync(CancellationToken.None);
    }

    private async Task<TurnRecovery> Start()
    {
        var recovery = new TurnRecovery(_sweeps, _departures, _time, NullLogger<TurnRecovery>.Instance);
        await recovery.StartAsync(CancellationToken.None);
        return recovery;
    }

    private sealed class Sweeps : FakeGrains, ITurnRecoveryGrain
    {
        private readonly SemaphoreSlim _requested = new(0);

        public ConcurrentQueue<TimeSpan> Ages { get; } = new();

        public Exception? Failure { get; set; }

        public async Task Next() => Assert.True(await _requested.WaitAsync(TimeSpan.FromSeconds(30)));

        public Task Sweep(TimeSpan minimumAge)
        {
            Ages.Enqueue(minimumAge);
            _requested.Release();
            return Failure is null ? Task.CompletedTask : Task.FromException(Failure);
        }

        protected override IGrainWithStringKey Find(Type grain, string key) => key == GrainKeys.TurnRecovery ? this : throw new NotSupportedException();
    }
}
