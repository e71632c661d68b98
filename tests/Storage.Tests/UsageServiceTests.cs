using CozeCluster.TestKit;
using Microsoft.Extensions.Logging.Abstractions;

namespace CozeCluster.Storage.Tests;

public sealed class UsageServiceTests
{
    private const int Timeout = 30_000;

    private readonly ManualTime _time = new();

    [Fact(Timeout = Timeout)]
    public async Task Turns_are_counted_every_minute_until_none_is_left_even_after_a_failure()
    {
        var counter = new FakeCounter { Left = 450 };
        using var service = new UsageService(counter, _time, NullLogger<UsageService>.Instance);
        await service.StartAsync(TestContext.Current.CancellationToken);
        while (_time.ArmedTimers == 0) await Task.Yield();

        _time.Advance(TimeSpan.FromMinutes(1));
        await counter.Failed.Task;
        _time.Advance(TimeSpan.FromMinutes(1));
        while (!counter.IsDone.Task.IsCompleted)
        {
            if (_time.IsArmed(ExpirationService.Pause)) _time.Advance(ExpirationService.Pause);
            await Task.Yield();
        }

        await service.StopAsync(TestContext.Current.CancellationToken);
        Assert.Equal([200, 200, 50], counter.Steps);
    }

    [Fact]
    public void Rows_of_an_hour_are_limited_first_for_users_then_for_everything()
    {
        var key = new UsageKey(1, "t", "app", "", "model", "bot", "account");
        Assert.Equal(key with { User = "ann" }, PlaceAt(UsageCounting.MaxRowsWithUsers - 1, key with { User = "ann" }));
        Assert.Equal(key with { User = UsageRow.Other }, PlaceAt(UsageCounting.MaxRowsWithUsers, key with { User = "ann" }));
        Assert.Equal(key, PlaceAt(UsageCounting.MaxRows - 1, key));
        Assert.Equal(key.OfOthers, PlaceAt(UsageCounting.MaxRows, key));
        Assert.Equal(key.OfOthers, PlaceAt(UsageCounting.MaxRows, key with { User = "ann" }));
        Assert.Equal(key, PlaceAt(UsageCounting.MaxRows, key, stored: key));

        static UsageKey PlaceAt(long rows, UsageKey key, UsageKey? stored = null) =>
            UsageCounting.Place([new(key, default, 0)], candidate => candidate == stored, _ => rows).Keys.Single();
    }

    private sealed class FakeCounter : IUsageCounter
    {
        public TaskCompletionSource Failed { get; } = new();

        public TaskCompletionSource IsDone { get; } = new();

        public int Left { get; set; }

        public List<int> Steps { get; } = [];

        public Task<int> CountAsync(int limit, CancellationToken cancellationToken)
        {
            if (Failed.TrySetResult()) throw new InvalidOperationException("The disk is full.");
            var counted = Math.Min(Left, limit);
            Left -= counted;
            Steps.Add(counted);
            if (Left == 0) IsDone.TrySetResult();
            return Task.FromResult(counted);
        }
    }
}
