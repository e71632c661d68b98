namespace CozeCluster.Grains.Tests.Runtime;

public sealed class GrainTimerTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    private IWorkingGrain Grain => Get<IWorkingGrain>();

    [Fact(Timeout = Hang)]
    public async Task A_timer_ticks_when_due_and_then_once_a_period()
    {
        await Grain.StartTimer(3 * Period, Period);

        await Pass(2);
        Assert.Equal(0, Count("tick"));
        for (var tick = 1; tick <= 3; tick++)
        {
            await PassUntil("ticked", tick);
            Assert.Equal(tick, Count("tick"));
        }
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_without_a_period_ticks_once()
    {
        await Grain.StartTimer(Period, Timeout.InfiniteTimeSpan);
        await Pass(1);
        await Happened("ticked");

        await Pass(3);

        Assert.Equal(1, Count("tick"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_that_is_due_at_once_ticks_at_once()
    {
        await Grain.StartTimer(TimeSpan.Zero, Timeout.InfiniteTimeSpan);

        await Happened("ticked");
    }

    [Fact(Timeout = Hang)]
    public async Task A_disposed_timer_does_not_tick()
    {
        await Grain.StartTimer(Period, Period);
        await Pass(1);
        await Happened("ticked");
        await Grain.StopTimer();

        await Pass(3);

        Assert.Equal(1, Count("tick"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_failed_tick_does_not_stop_the_timer()
    {
        await Grain.StartFailingTimer(Period, Period);

        await PassUntil("tick", 3);
    }

    [Fact(Timeout = Hang)]
    public async Task A_tick_interleaves_with_a_call()
    {
        var holding = Grain.Hold(Key);
        await Happened("held");
        await Grain.StartTimer(Period, Period);

        await Pass(1);

        await Happened("ticked");
        Assert.False(holding.IsCompleted);
        Probe.Open(Key);
        await holding;
    }

    [Fact(Timeout = Hang)]
    public async Task Ticks_do_not_overlap_and_calls_interleave()
    {
        await Grain.StartTimer(Period, Period, gate: Key);
        await Pass(1);
        await Happened("tick");

        await Pass(3);

        Assert.Equal(1, Count("tick"));
        Assert.Equal(0, Count("ticked"));
        Probe.Open(Key);
        await Happened("ticked");
        await PassUntil("ticked", 2);
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_ends_with_its_activation_and_does_not_prevent_collection()
    {
        await Grain.StartTimer(Period, Period);
        await Pass(1);
        await Happened("ticked");

        await Silo.CollectIdleAsync();

        await Happened("deactivated");
        await Pass(3);
        Assert.Equal(1, Count("tick"));
        Assert.Equal(2, await Grain.Activation());
    }

    [Fact(Timeout = Hang)]
    public async Task ClearReminder_RemovesItAndMayBeCalledAgain()
    {
        await Grain.Remind("tea");
        await Grain.Remind("coffee");

        await Grain.ClearReminder("tea");
        await Grain.ClearReminder("tea");

        Assert.False(await Grain.HasReminder("tea"));
        Assert.True(await Grain.HasReminder("coffee"));
    }

    private async Task Pass(int periods)
    {
        for (var i = 0; i < periods; i++)
        {
            Silo.Time.Advance(Period);
            // A due tick begins before the grain answers this call.
            await Grain.Activation();
        }
    }

    /// <summary>The timer is armed again shortly after a tick has ended.</summary>
    private async Task PassUntil(string what, int count)
    {
        while (Count(what) < count) await Pass(1);
    }
}
