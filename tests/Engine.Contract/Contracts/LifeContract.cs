namespace CozeCluster.Engine.Contract;

/// <summary>Background work, and being put away.</summary>
public abstract class LifeContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    [Fact(Timeout = Hang)]
    public async Task Background_work_runs_while_calls_run()
    {
        await Get<IWorkingGrain>().Start(Key);
        await Happened("work");

        Assert.Equal(1, await Get<IWorkingGrain>().Incarnation());
        Probe.Open(Key);

        await Happened("worked");
    }

    [Fact(Timeout = Hang)]
    public async Task Background_work_and_calls_never_run_on_two_threads_at_once()
    {
        await Get<IWorkingGrain>().StartCounting(500);
        await Get<IWorkingGrain>().StartCounting(500);
        await Get<IWorkingGrain>().Count(500);
        await Happened("counted", 2);

        Assert.Equal(1500, await Get<IWorkingGrain>().Counted());
    }

    [Fact(Timeout = Hang)]
    public async Task Background_work_keeps_the_grain_alive_and_no_longer()
    {
        await Get<IWorkingGrain>().Start(Key);
        await Happened("work");

        await Engine.CollectIdleAsync();

        Assert.Equal(0, Count("deactivated"));
        Assert.Equal(1, await Get<IWorkingGrain>().Incarnation());
        Probe.Open(Key);
        await Happened("worked");
        Assert.Equal(0, Count("cancelled"));
        await Engine.CollectIdleAsync();
        Assert.Equal(2, await Get<IWorkingGrain>().Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task Background_work_is_cancelled_and_awaited_before_OnDeactivate()
    {
        await Get<IWorkingGrain>().StartStubborn(Key);
        await Get<IWorkingGrain>().Deactivate();
        await Happened("cancelled");
        var next = Get<IWorkingGrain>().Incarnation();

        Assert.Equal(0, Count("deactivated"));
        Assert.False(next.IsCompleted);
        Probe.Open(Key);

        await Happened("ended before deactivation");
        Assert.Equal(2, await next);
        Assert.Equal(1, Count("deactivated"));
    }

    [Fact(Timeout = Hang)]
    public async Task Background_work_that_fails_harms_nothing()
    {
        await Get<IWorkingGrain>().StartFailing();
        await Happened("work");

        Assert.Equal(1, await Get<IWorkingGrain>().Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task Stopping_the_engine_cancels_background_work_and_tells_the_grain()
    {
        await Get<IWorkingGrain>().Start("never");
        await Happened("work");

        await Engine.RestartAsync();

        Assert.Equal(1, Count("cancelled"));
        Assert.Equal(1, Count("deactivated"));
        Assert.Equal(2, await Get<IWorkingGrain>().Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task An_idle_grain_is_put_away_and_comes_back_when_called()
    {
        Assert.Equal(1, await Get<IWorkingGrain>().Incarnation());
        await Engine.CollectIdleAsync();

        Assert.Equal(1, Count("deactivated"));
        Assert.Equal(2, await Get<IWorkingGrain>().Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task A_grain_with_a_running_call_is_not_idle()
    {
        var holding = Get<IWorkingGrain>().Hold(Key);
        await Happened("held");

        await Engine.CollectIdleAsync();

        Assert.Equal(0, Count("deactivated"));
        Probe.Open(Key);
        await holding;
    }

    [Fact(Timeout = Hang)]
    public async Task Deactivate_lets_the_running_call_end_and_the_next_call_finds_a_new_activation()
    {
        var holding = Get<IWorkingGrain>().DeactivateAndHold(Key);
        await Happened("held");
        Assert.Equal(0, Count("deactivated"));

        Probe.Open(Key);
        await holding;

        await Happened("deactivated");
        Assert.Equal(2, await Get<IWorkingGrain>().Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task Calls_that_race_with_being_put_away_are_neither_lost_nor_run_on_the_dead()
    {
        for (var round = 1; round <= 50; round++)
        {
            var calls = Enumerable.Range(0, 20).Select(i => Task.Run(async () =>
            {
                if (i == 10) await Get<IWorkingGrain>().Deactivate();
                return await Get<IWorkingGrain>().Incarnation();
            }));
            var incarnations = await Task.WhenAll(calls);
            await Happened("deactivated", round);
            Assert.All(incarnations, n => Assert.InRange(n, round, round + 1));
            // Every activation that came has gone before the next: never two at once.
            Assert.Equal(round + 1, await Get<IWorkingGrain>().Incarnation());
        }
    }

    private Task Happened(string what, int count = 1) => Probe.Happened($"{Key} {what}", count);

    private int Count(string what) => Probe.Count($"{Key} {what}");
}
