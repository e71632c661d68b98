using CozeCluster.Engine.Contract;
using CozeCluster.TestKit;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class PutAwayTests : EngineTest
{
    [Fact(Timeout = Hang)]
    public async Task A_grain_is_put_away_once_idle_for_as_long_as_its_kind_says()
    {
        var engine = await StartAsync(definitions: [GrainDefinition.Of<IStuckGrain, StuckGrain>("test.stuck", TimeSpan.FromSeconds(60))]);
        await engine.Grains.Get<IStuckGrain>("k").Incarnation();

        engine.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, engine.ActivationCount);
        Assert.Equal(1, await engine.Grains.Get<IStuckGrain>("k").Incarnation());
        engine.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(0, Probe.Count("k deactivating"));
        engine.Time.Advance(TimeSpan.FromSeconds(31));

        await Probe.Happened("k deactivating");
        Assert.Equal(2, await engine.Grains.Get<IStuckGrain>("k").Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_never_ends_does_not_keep_its_grain_for_ever()
    {
        var engine = await StartAsync();
        _ = engine.Grains.Get<IStuckGrain>("k").StickInCall();
        var next = engine.Grains.Get<IStuckGrain>("k").Incarnation();

        await AdvanceUntil(engine.Time, next);

        Assert.Equal(2, await next);
    }

    [Fact(Timeout = Hang)]
    public async Task Background_work_that_ignores_its_cancellation_is_given_up()
    {
        var engine = await StartAsync();
        await engine.Grains.Get<IStuckGrain>("k").StickInBackground();
        await Probe.Happened("k work");
        var stopping = engine.StopAsync();

        await AdvanceUntil(engine.Time, stopping);

        await stopping;
        Assert.Equal(1, Probe.Count("k deactivating"));
    }

    [Fact(Timeout = Hang)]
    public async Task An_OnDeactivate_that_hangs_is_given_up()
    {
        var engine = await StartAsync();
        await engine.Grains.Get<IStuckGrain>("k").StickInDeactivate();
        var collecting = engine.CollectIdleAsync();

        await AdvanceUntil(engine.Time, collecting);

        Assert.Equal(2, await engine.Grains.Get<IStuckGrain>("k").Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_that_still_runs_may_be_called_back_though_the_grain_is_leaving()
    {
        var engine = await StartAsync();

        Assert.Equal(1, await engine.Grains.Get<IStuckGrain>("k").DeactivateThenAskItself());

        Assert.Equal(2, await engine.Grains.Get<IStuckGrain>("k").Incarnation());
    }

    [Fact(Timeout = 4 * Hang)]
    public async Task A_hundred_thousand_grains_are_released_when_idle()
    {
        var engine = await StartAsync();
        const int count = 100_000;
        for (var i = 0; i < count; i += 1000)
            await Task.WhenAll(Enumerable.Range(i, 1000).Select(n => engine.Grains.Get<ITurnsGrain>("k" + n).Record(n)));
        Assert.Equal(count, engine.ActivationCount);
        var held = GC.GetTotalMemory(forceFullCollection: true);

        await engine.CollectIdleAsync();

        Assert.Equal(0, engine.ActivationCount);
        // Far less than any activation is; what is freed is far more.
        Assert.True(held - GC.GetTotalMemory(forceFullCollection: true) > count * 300L);
    }

    private static async Task AdvanceUntil(ManualTime time, Task task)
    {
        while (!task.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(task, Task.Delay(1));
        }
    }
}
