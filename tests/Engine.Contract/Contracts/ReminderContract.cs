namespace CozeCluster.Engine.Contract;

/// <summary>Reminders. Only the first firing is waited for: the least period is a minute, and some engines really wait.</summary>
public abstract class ReminderContract<TFixture> : EngineContract<TFixture> where TFixture : EngineFixture, new()
{
    private const int Due = 1_000;
    private const int Minute = 60_000;

    [Fact(Timeout = Hang)]
    public async Task A_reminder_fires_when_due()
    {
        await Get<IRemindedGrain>().Set("tea", Due, Minute);

        await PassUntil("tea");
    }

    [Fact(Timeout = 3 * Hang)]
    public async Task A_reminder_outlives_the_process_and_fires_though_missed()
    {
        // Some engines make up for a missed one with the next only, which is due a period later.
        await Get<IRemindedGrain>().Set("tea", Due, Minute);

        await Engine.RestartAsync();

        await PassUntil("tea");
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_brings_its_grain_to_life()
    {
        await Get<IRemindedGrain>().Set("tea", Due, Minute);
        await Engine.CollectIdleAsync();

        await PassUntil("tea");
    }

    [Fact(Timeout = Hang)]
    public async Task A_cleared_reminder_does_not_fire_and_may_be_cleared_again()
    {
        await Get<IRemindedGrain>().Set("tea", Due, Minute);
        await Get<IRemindedGrain>().Set("coffee", Due, Minute);
        await Get<IRemindedGrain>().Clear("tea");
        await Get<IRemindedGrain>().Clear("tea");

        await PassUntil("coffee");

        Assert.Equal(0, Probe.Count(Key + " tea"));
        await Engine.RestartAsync();
        await Engine.PassAsync(TimeSpan.FromMilliseconds(Due));
        Assert.Equal(0, Probe.Count(Key + " tea"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_set_again_is_replaced()
    {
        await Get<IRemindedGrain>().Set("tea", Due, Minute);
        await Get<IRemindedGrain>().Set("tea", 100 * Minute, Minute);
        await Get<IRemindedGrain>().Set("coffee", 2 * Due, Minute);

        await PassUntil("coffee");

        Assert.Equal(0, Probe.Count(Key + " tea"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_waits_for_its_turn()
    {
        await Get<IRemindedGrain>().Set("tea", Due, Minute);
        var holding = Get<IRemindedGrain>().Hold(Key);
        await Probe.Happened(Key);
        await Engine.PassAsync(TimeSpan.FromMilliseconds(Due));
        Probe.Open(Key);
        await holding;

        await PassUntil("tea");

        Assert.Equal(0, Probe.Count(Key + " tea out of turn"));
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_that_fails_harms_nothing()
    {
        await Get<IRemindedGrain>().Set("failing", Due, Minute);

        await PassUntil("failing");

        await Get<IRemindedGrain>().Clear("failing");
    }

    [Fact(Timeout = Hang)]
    public async Task A_period_under_a_minute_is_refused() =>
        Assert.Equal(ErrorCode.Internal, (await Assert.ThrowsAsync<ClusterException>(() => Get<IRemindedGrain>().Set("tea", Due, Minute - 1))).Code);

    private async Task PassUntil(string name)
    {
        var happened = Probe.Happened($"{Key} {name}");
        await Engine.PassAsync(TimeSpan.FromMilliseconds(Due));
        while (!happened.IsCompleted)
        {
            await Engine.PassAsync(TimeSpan.FromMilliseconds(Due / 10));
            // A reminder that fell due has been heard before the answer to this comes.
            await Get<IRemindedGrain>().Clear("nothing");
        }
    }
}
