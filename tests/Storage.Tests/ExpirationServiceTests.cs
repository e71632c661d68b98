using System.Collections.Concurrent;
using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests;

public sealed class ExpirationServiceTests
{
    private const int Timeout = 30_000;

    private readonly ManualTime _time = new();
    private readonly FakeStore _store = new();

    [Fact(Timeout = Timeout)]
    public async Task Expired_content_is_deleted_every_ten_minutes_even_after_a_failure()
    {
        _store.FailsOnce = true;
        using var service = new ExpirationService(_store, [], _time, NullLogger<ExpirationService>.Instance);
        await service.StartAsync(TestContext.Current.CancellationToken);
        while (_time.ArmedTimers == 0) await Task.Yield();

        for (var round = 1; round <= 3; round++)
        {
            _time.Advance(TimeSpan.FromMinutes(10));
            await _store.WaitForRoundAsync();
        }

        await service.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal(3, _store.Rounds);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_state_expires_exactly_when_its_retention_is_over()
    {
        _store.States = [new("a", 1, _time.GetUtcNow()), new("b", 2, _time.GetUtcNow() + TimeSpan.FromTicks(1)), new("kept", 3, default)];
        var retention = new StateRetention("state", key => key == "kept" ? null : TimeSpan.FromHours(1));
        using var service = new ExpirationService(_store, [retention], _time, NullLogger<ExpirationService>.Instance);
        _time.Advance(TimeSpan.FromHours(1));

        await service.DeleteExpiredAsync(TestContext.Current.CancellationToken);

        Assert.Equal([("state", "a", 1L)], _store.Deleted);
    }

    private sealed class FakeStore : IExpiringStore
    {
        private readonly SemaphoreSlim _rounds = new(0);

        public bool FailsOnce { get; set; }

        public int Rounds { get; private set; }

        public IReadOnlyList<StoredStateInfo> States { get; set; } = [];

        public ConcurrentQueue<(string State, string Key, long Version)> Deleted { get; } = new();

        public Task WaitForRoundAsync() => _rounds.WaitAsync();

        public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken)
        {
            Rounds++;
            _rounds.Release();
            if (!FailsOnce) return Task.CompletedTask;
            FailsOnce = false;
            throw new InvalidOperationException("The disk is full.");
        }

        public Task<IReadOnlyList<StoredStateInfo>> ReadStateInfosAsync(string stateName, string afterKey, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<StoredStateInfo>>([.. States.Where(state => string.CompareOrdinal(state.Key, afterKey) > 0)]);

        public Task DeleteStatesAsync(string stateName, IReadOnlyList<StoredStateInfo> states, CancellationToken cancellationToken)
        {
            foreach (var state in states) Deleted.Enqueue((stateName, state.Key, state.Version));
            return Task.CompletedTask;
        }
    }
}
