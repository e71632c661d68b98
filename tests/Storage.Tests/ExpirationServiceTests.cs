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
        using var service = NewService(TurnRetention.Default);
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
    public async Task Each_kind_is_deleted_in_steps_with_pauses_until_a_step_finds_less_than_its_limit()
    {
        (_store.Contents, _store.Conversations, _store.Turns) = (450, 400, 10);
        using var service = NewService(TurnRetention.Default);
        var start = _time.GetUtcNow();

        var deletion = service.DeleteExpiredAsync(TestContext.Current.CancellationToken);
        while (!deletion.IsCompleted)
        {
            if (_time.IsArmed(ExpirationService.Pause)) _time.Advance(ExpirationService.Pause);
            await Task.Yield();
        }
        await deletion;

        Assert.Equal(start + 4 * ExpirationService.Pause, _time.GetUtcNow());
        Assert.Equal(
            ["contents 200", "contents 200", "contents 50", "conversations 200", "conversations 200", "conversations 0", "turns 10"],
            _store.Steps);
    }

    [Fact(Timeout = Timeout)]
    public async Task Turns_of_the_log_are_deleted_when_their_retention_is_over()
    {
        using var service = NewService(new TurnRetention(TimeSpan.FromDays(7)));

        await service.DeleteExpiredAsync(TestContext.Current.CancellationToken);

        Assert.Equal(_time.GetUtcNow() - TimeSpan.FromDays(7), _store.CreatedBefore);
    }

    [Fact(Timeout = Timeout)]
    public async Task A_node_that_stops_ends_between_two_steps()
    {
        using var stop = new CancellationTokenSource();
        _store.Contents = 1_000;
        _store.OnStep = stop.Cancel;
        using var service = NewService(TurnRetention.Default);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => service.DeleteExpiredAsync(stop.Token));

        Assert.Equal(["contents 200"], _store.Steps);
    }

    private ExpirationService NewService(TurnRetention retention) => new(_store, retention, _time, NullLogger<ExpirationService>.Instance);

    private sealed class FakeStore : IExpiringStore
    {
        private readonly SemaphoreSlim _rounds = new(0);

        public bool FailsOnce { get; set; }

        public int Rounds { get; private set; }

        public int Contents { get; set; }

        public int Conversations { get; set; }

        public int Turns { get; set; }

        public DateTimeOffset? CreatedBefore { get; private set; }

        public Action OnStep { get; set; } = () => { };

        public List<string> Steps { get; } = [];

        public Task WaitForRoundAsync() => _rounds.WaitAsync();

        public Task DeleteExpiredBlobsAsync(CancellationToken cancellationToken)
        {
            Rounds++;
            _rounds.Release();
            if (!FailsOnce) return Task.CompletedTask;
            FailsOnce = false;
            throw new InvalidOperationException("The disk is full.");
        }

        public Task<int> DeleteExpiredContentsAsync(int limit, CancellationToken cancellationToken) => Step("contents", Contents, limit, n => Contents -= n);

        public Task<int> DeleteExpiredConversationsAsync(int limit, CancellationToken cancellationToken) =>
            Step("conversations", Conversations, limit, n => Conversations -= n);

        public Task<int> DeleteOldTurnsAsync(DateTimeOffset createdBefore, int limit, CancellationToken cancellationToken)
        {
            CreatedBefore = createdBefore;
            return Step("turns", Turns, limit, n => Turns -= n);
        }

        public Task<int> DeleteOldAuditAsync(DateTimeOffset before, int max, int limit, CancellationToken cancellationToken) => Task.FromResult(0);

        private Task<int> Step(string kind, int left, int limit, Action<int> remove)
        {
            var handled = Math.Min(left, limit);
            remove(handled);
            Steps.Add($"{kind} {handled}");
            OnStep();
            return Task.FromResult(handled);
        }
    }
}
