namespace CozeCluster.Engine.Contract;

/// <summary>Timers. Periods are short, since some engines really wait.</summary>
public abstract class TimerContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    private const int Period = 200;

    [Fact(Timeout = Hang)]
    public async Task A_timer_ticks_once_due_and_then_by_its_period()
    {
        await Get<IWorkingGrain>().StartTimer(Period, Period);

        for (var tick = 1; tick <= 3; tick++) await PassUntil("tick", tick);
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_without_a_period_ticks_once()
    {
        await Get<IWorkingGrain>().StartTimer(Period, -1);
        await PassUntil("tick", 1);

        await Pass(3);

        Assert.Equal(1, Count("tick"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_due_at_once_ticks_at_once()
    {
        await Get<IWorkingGrain>().StartTimer(0, -1);

        await Happened("tick", 1);
    }

    [Fact(Timeout = Hang)]
    public async Task A_disposed_timer_ticks_no_more()
    {
        await Get<IWorkingGrain>().StartTimer(Period, Period);
        await PassUntil("tick", 1);
        await Get<IWorkingGrain>().StopTimer();
        var ticks = Count("tick");

        await Pass(3);

        Assert.Equal(ticks, Count("tick"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_tick_that_fails_does_not_stop_the_timer()
    {
        await Get<IWorkingGrain>().StartFailingTimer(Period, Period);

        await PassUntil("tick", 2);
    }

    [Fact(Timeout = Hang)]
    public async Task A_tick_waits_for_the_one_before_and_lets_calls_run()
    {
        await Get<IWorkingGrain>().StartSlowTimer(Period, Period, Key);
        await PassUntil("tick", 1);

        await Pass(3);

        Assert.Equal(1, Count("tick"));
        Assert.Equal(1, await Get<IWorkingGrain>().Incarnation());
        Probe.Open(Key);
        await Happened("ticked", 1);
        await PassUntil("tick", 2);
    }

    [Fact(Timeout = Hang)]
    public async Task A_timer_neither_keeps_its_grain_alive_nor_outlives_it()
    {
        await Get<IWorkingGrain>().StartTimer(Period, Period);
        await PassUntil("tick", 1);

        await Engine.CollectIdleAsync();

        Assert.Equal(1, Count("deactivated"));
        var ticks = Count("tick");
        await Pass(3);
        Assert.Equal(ticks, Count("tick"));
    }

    private async Task Pass(int periods)
    {
        for (var i = 0; i < periods; i++) await PassOnce();
    }

    private async Task PassUntil(string what, int count)
    {
        // A timer is armed again only after its tick, so a moved clock may have to be moved again.
        var happened = Happened(what, count);
        while (!happened.IsCompleted) await PassOnce();
    }

    private async Task PassOnce()
    {
        await Engine.PassAsync(TimeSpan.FromMilliseconds(Period));
        // A tick that fell due has begun before the answer to this comes.
        await Get<IWorkingGrain>().Incarnation();
    }

    private Task Happened(string what, int count) => Probe.Happened($"{Key} {what}", count);

    private int Count(string what) => Probe.Count($"{Key} {what}");
}
