using CozeCluster.Gateway.Surfaces.Admin;
using CozeCluster.TestKit;

namespace CozeCluster.Gateway.Tests.Surfaces.Admin;

public sealed class FleetCallQueueTests : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly Pump _pump = new();
    private readonly FleetCallQueue _queue;
    private readonly List<(string Tenant, TaskCompletionSource<int> End)> _running = [];

    public FleetCallQueueTests() => _queue = new FleetCallQueue(_time);

    public void Dispose() => _queue.Dispose();

    [Fact]
    public async Task Run_ManyChangesOfOneTenant_OneRunsAFewWaitAndTheOthersAreRefused()
    {
        var started = Enumerable.Range(0, 20).Select(_ => Begin("evil")).ToList();

        Assert.Equal(["evil"], _running.Select(change => change.Tenant));
        Assert.Equal(20 - FleetCallQueue.MaxOfTenant, started.Count(change => change.IsFaulted));
        var refused = await Assert.ThrowsAsync<ClusterException>(() => started[^1]);
        Assert.Equal((ErrorCode.RateLimited, _time.GetUtcNow().AddSeconds(1)), (refused.Code, refused.Until));
        for (var change = 0; change < FleetCallQueue.MaxOfTenant; change++) End(change);
        Assert.Equal(FleetCallQueue.MaxOfTenant, started.Count(change => change.IsCompletedSuccessfully));
    }

    [Fact]
    public void Run_ChangesOfSeveralTenants_TakeTurns()
    {
        foreach (var tenant in (string[])["a", "a", "a", "b", "b", "c"]) _ = Begin(tenant);
        Assert.Equal(FleetCallQueue.MaxAtCatalog, _running.Count);

        for (var change = 0; change < 6; change++) End(change);

        Assert.Equal(["a", "b", "c", "a", "b", "a"], _running.Select(change => change.Tenant));
    }

    [Fact]
    public async Task Run_MoreChangesThanInAMinute_AreRefusedUntilTheNextMinute()
    {
        for (var change = 0; change < FleetCallQueue.MaxPerMinute; change++)
        {
            var begun = Begin("a");
            End(change);
            await begun;
        }
        _time.Advance(TimeSpan.FromSeconds(20));

        var refused = await Assert.ThrowsAsync<ClusterException>(() => Begin("a"));

        Assert.Equal(_time.GetUtcNow().AddSeconds(40), refused.Until);
        _time.Advance(TimeSpan.FromSeconds(40));
        _ = Begin("a");
        Assert.Equal(FleetCallQueue.MaxPerMinute + 1, _running.Count);
    }

    [Fact]
    public void Run_Reads_WaitButAreNotCounted()
    {
        for (var read = 0; read < FleetCallQueue.MaxPerMinute + FleetCallQueue.MaxOfTenant; read++)
        {
            _ = Begin("a", isChange: false);
            if (read >= FleetCallQueue.MaxOfTenant - 1) End(read - FleetCallQueue.MaxOfTenant + 1);
        }
        _ = Begin("a");

        Assert.True(Begin("a", isChange: false).IsFaulted);
    }

    [Fact]
    public async Task Run_FailedAndCancelledChanges_LeaveTheirPlace()
    {
        var first = Begin("a");
        using var cancelled = new CancellationTokenSource();
        var second = _queue.Run("a", isChange: true, () => Task.FromResult(0), cancelled.Token);
        var third = Begin("a");
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);

        _pump.Run(() => _running[0].End.SetException(new ClusterException(ErrorCode.Conflict, "No.")));
        await Assert.ThrowsAsync<ClusterException>(() => first);

        End(1);
        await third;
    }

    private Task<int> Begin(string tenant, bool isChange = true)
    {
        Task<int>? begun = null;
        _pump.Run(() => begun = _queue.Run(tenant, isChange, () =>
        {
            var end = new TaskCompletionSource<int>();
            _running.Add((tenant, end));
            return end.Task;
        }, CancellationToken.None));
        return begun!;
    }

    private void End(int change) => _pump.Run(() => _running[change].End.SetResult(0));

    /// <summary>Runs everything that a change continues, on the thread of the test: so the order is always the same.</summary>
    private sealed class Pump : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Callback, object? State)> _posted = [];

        public override void Post(SendOrPostCallback d, object? state) => _posted.Enqueue((d, state));

        public void Run(Action action)
        {
            var outer = Current;
            SetSynchronizationContext(this);
            action();
            while (_posted.TryDequeue(out var next)) next.Callback(next.State);
            SetSynchronizationContext(outer);
        }
    }
}
