namespace CozeCluster.Grains.Tests.Runtime;

public sealed class BackgroundWorkTests(RuntimeSilo fixture) : RuntimeTest<RuntimeSilo>(fixture)
{
    private const int Failed = 1010;
    private const int NotEnded = 1011;

    private IWorkingGrain Grain => Get<IWorkingGrain>();

    [Fact(Timeout = Hang)]
    public async Task Work_runs_while_calls_run()
    {
        await Grain.Start(Key);
        await Happened("work");

        Assert.Equal(1, await Grain.Activation());
        Probe.Open(Key);

        await Happened("worked");
    }

    [Fact(Timeout = Hang)]
    public async Task Work_and_calls_never_run_on_two_threads_at_once()
    {
        await Grain.StartCounting(500);
        await Grain.StartCounting(500);
        await Task.WhenAll(Grain.Count(500), Grain.Count(500));
        await Happened("counted", 2);

        Assert.Equal(2000, await Grain.Count(0));
    }

    [Fact(Timeout = Hang)]
    public async Task Work_prevents_collection_of_the_activation_only_while_it_runs()
    {
        await Grain.Start(Key + "1");
        await Grain.Start(Key + "2");
        await Happened("work", 2);

        await Silo.CollectIdleAsync();
        Assert.Equal(1, await Grain.Activation());

        Probe.Open(Key + "1");
        await Happened("worked");
        await Silo.CollectIdleAsync();
        Assert.Equal(1, await Grain.Activation());

        Probe.Open(Key + "2");
        await Happened("worked", 2);
        // The work ends shortly after the event. This call runs later.
        Assert.Equal(1, await Grain.Activation());
        await Silo.CollectIdleAsync();
        await Happened("deactivated");
        Assert.Equal(2, await Grain.Activation());
        Assert.Equal(0, Count("cancelled"));
    }

    [Fact(Timeout = Hang)]
    public async Task Deactivation_cancels_work_and_waits_for_it()
    {
        await Grain.StartStubborn(Key);
        await Happened("work");
        await Grain.Deactivate();
        await Happened("cancelled");
        var next = Grain.Activation();

        Assert.Equal(1, Count("deactivating"));
        Assert.Equal(0, Count("deactivated"));
        Assert.False(next.IsCompleted);
        Probe.Open(Key);

        Assert.Equal(2, await next);
        Assert.Equal(1, Count("ended before the deactivation"));
        Assert.Empty(Fixture.Log.Of(NotEnded, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task Deactivation_waits_ten_seconds_for_work_that_ignores_its_cancellation()
    {
        await Grain.StartStubborn(Key);
        await Happened("work");
        await Grain.Deactivate();
        await Happened("cancelled");
        var next = Grain.Activation();

        Silo.Time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(0, Count("deactivated"));
        await Fixture.AdvanceUntil(next, TimeSpan.FromSeconds(0.1));

        Assert.Equal(2, await next);
        Assert.Single(Fixture.Log.Of(NotEnded, Key));
        Probe.Open(Key);
        await Happened("ended after the deactivation");
    }

    [Fact(Timeout = Hang)]
    public async Task Failed_work_is_logged_and_the_activation_stays()
    {
        await Grain.StartFailing();
        await Happened("work");

        Assert.Equal(1, await Grain.Activation());

        var (_, _, exception) = Assert.Single(Fixture.Log.Of(Failed, Key));
        Assert.Equal("Work fails.", exception!.Message);
        await Silo.CollectIdleAsync();
        Assert.Equal(2, await Grain.Activation());
    }

    [Fact(Timeout = Hang)]
    public async Task Work_that_something_else_cancelled_is_logged()
    {
        await Grain.StartCancelledElsewhere();
        await Happened("work");
        Assert.Equal(1, await Grain.Activation());

        var (_, _, exception) = Assert.Single(Fixture.Log.Of(Failed, Key));
        Assert.Equal("Cancelled elsewhere.", exception!.Message);
    }

    [Fact(Timeout = Hang)]
    public async Task Cancelled_work_is_not_logged()
    {
        await Grain.Start("never");
        await Happened("work");

        await Grain.Deactivate();
        Assert.Equal(2, await Grain.Activation());

        Assert.Equal(1, Count("cancelled"));
        Assert.Empty(Fixture.Log.Of(Failed, Key));
    }

    [Fact(Timeout = Hang)]
    public async Task Deactivate_waits_for_the_running_call_and_the_next_call_gets_a_new_activation()
    {
        var holding = Grain.DeactivateAndHold(Key);
        await Happened("held");
        Assert.Equal(0, Count("deactivating"));

        Probe.Open(Key);
        await holding;

        await Happened("deactivated");
        Assert.Equal(2, await Grain.Activation());
    }

    [Fact(Timeout = Hang)]
    public async Task Stopping_the_silo_cancels_work_and_deactivates()
    {
        var silo = new RuntimeSilo();
        await silo.InitializeAsync();
        await silo.Silo.Grains.GetGrain<IWorkingGrain>(Key).Start("never");
        await silo.Probe.Happened(Key + " work");

        await silo.DisposeAsync();

        Assert.Equal(1, silo.Probe.Count(Key + " cancelled"));
        Assert.Equal(1, silo.Probe.Count(Key + " deactivated"));
    }
}
