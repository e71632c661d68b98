using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class SchedulerTests : EngineTest
{
    [Fact(Timeout = Hang)]
    public async Task Calls_sent_without_waiting_run_in_the_order_sent()
    {
        var engine = await StartAsync();
        var grain = engine.Grains.Get<ITurnsGrain>("k");

        await Task.WhenAll(Enumerable.Range(0, 1000).Select(grain.Record));

        Assert.Equal(string.Join(' ', Enumerable.Range(0, 1000)), await grain.Recorded());
    }

    [Fact(Timeout = Hang)]
    public async Task A_call_from_the_pool_to_a_grain_at_rest_is_answered_when_it_returns()
    {
        var engine = await StartAsync();
        var grain = engine.Grains.Get<IStuckGrain>("k");
        await grain.Peek();

        var ready = await Task.Run(() =>
        {
            // Another thread may still be leaving the grain.
            SpinWait.SpinUntil(() => grain.Peek().IsCompletedSuccessfully);
            return Enumerable.Range(0, 100).Count(_ => grain.Peek().IsCompletedSuccessfully);
        });

        Assert.Equal(100, ready);
    }

    [Fact(Timeout = Hang)]
    public async Task What_flows_with_a_caller_does_not_reach_the_grain()
    {
        var engine = await StartAsync();
        var grain = engine.Grains.Get<IStuckGrain>("k");
        await grain.Peek();

        var (seen, kept) = await Task.Run(async () =>
        {
            StuckGrain.Ambient.Value = "the caller's";
            return (await grain.SeeAmbient(), StuckGrain.Ambient.Value);
        });

        Assert.Equal((null, "the caller's"), (seen, kept));
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_that_calls_itself_waits_for_its_caller_to_give_up_and_is_well_again()
    {
        var engine = await StartAsync();
        var grain = engine.Grains.Get<IStuckGrain>("k");
        using var patience = new CancellationTokenSource();
        var call = grain.CallItself(patience.Token);
        Assert.Equal(1, await grain.Peek());

        await patience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(1, await grain.Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task The_context_refuses_to_be_used_elsewhere()
    {
        var engine = await StartAsync();

        var error = await Assert.ThrowsAsync<ClusterException>(() => engine.Grains.Get<IStuckGrain>("k").UseContextElsewhere());

        Assert.IsType<InvalidOperationException>(error.InnerException);
    }

    [Fact(Timeout = Hang)]
    public async Task An_exception_in_async_void_harms_nobody()
    {
        var engine = await StartAsync();

        await engine.Grains.Get<IStuckGrain>("k").FailInVoid();

        Assert.Equal(1, await engine.Grains.Get<IStuckGrain>("k").Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task Grains_that_never_rest_do_not_starve_others()
    {
        var engine = await StartAsync();
        using var enough = new CancellationTokenSource();
        var busy = Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(n => engine.Grains.Get<IStuckGrain>("busy" + n).Spin(enough.Token)).ToList();
        await Probe.Happened("spinning", busy.Count);

        for (var i = 0; i < 100; i++) await engine.Grains.Get<ITurnsGrain>("calm").Name();

        Assert.All(busy, task => Assert.False(task.IsCompleted));
        await enough.CancelAsync();
        await Task.WhenAll(busy);
    }
}
