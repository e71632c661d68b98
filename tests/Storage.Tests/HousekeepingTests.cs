using System.Collections.Concurrent;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests;

public sealed class HousekeepingTests
{
    private const int Hang = 30_000;

    private readonly ManualTime _time = new();
    private readonly FakeStore _store = new();

    [Fact(Timeout = Hang)]
    public async Task A_round_runs_every_ten_minutes_though_the_last_one_failed()
    {
        _store.FailsNext = true;
        using var housekeeping = new Housekeeping(_store, [], _time, NullLogger<Housekeeping>.Instance);
        await housekeeping.StartAsync(TestContext.Current.CancellationToken);
        while (_time.ArmedTimers == 0) await Task.Yield();

        for (var round = 1; round <= 3; round++)
        {
            _time.Advance(TimeSpan.FromMinutes(10));
            await _store.RoundAsync();
        }

        await housekeeping.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, _store.Rounds);
    }

    [Fact(Timeout = Hang)]
    public async Task A_state_expires_when_its_retention_is_over_to_the_moment()
    {
        _store.Ages = [new("a", 1, _time.GetUtcNow()), new("b", 2, _time.GetUtcNow() + TimeSpan.FromTicks(1)), new("kept", 3, default)];
        var retention = new StateRetention("state", key => key == "kept" ? null : TimeSpan.FromHours(1));
        using var housekeeping = new Housekeeping(_store, [retention], _time, NullLogger<Housekeeping>.Instance);
        _time.Advance(TimeSpan.FromHours(1));

        await housekeeping.SweepAsync(TestContext.Current.CancellationToken);

        Assert.Equal([("state", "a", 1L)], _store.Deleted);
    }

    private sealed class FakeStore : IExpiringStore
    {
        private readonly SemaphoreSlim _rounds = new(0);

        public bool FailsNext { get; set; }

        public int Rounds { get; private set; }

        public IReadOnlyList<StoredAge> Ages { get; set; } = [];

        public ConcurrentQueue<(string State, string Key, long Version)> Deleted { get; } = new();

        public Task RoundAsync() => _rounds.WaitAsync();

        public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken)
        {
            Rounds++;
            _rounds.Release();
            if (!FailsNext) return Task.CompletedTask;
            FailsNext = false;
            throw new InvalidOperationException("The disk is full.");
        }

        public Task<IReadOnlyList<StoredAge>> ReadAgesAsync(string stateName, string afterKey, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<StoredAge>>([.. Ages.Where(age => string.CompareOrdinal(age.Key, afterKey) > 0)]);

        public Task DeleteAsync(string stateName, IReadOnlyList<StoredAge> states, CancellationToken cancellationToken)
        {
            foreach (var state in states) Deleted.Enqueue((stateName, state.Key, state.Version));
            return Task.CompletedTask;
        }
    }
}
