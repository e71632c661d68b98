using CozeCluster.Engine.Contract;

namespace CozeCluster.Engine.Embedded.Tests;

public sealed class ReminderTests : EngineTest
{
    private const int Minute = 60_000;

    [Fact(Timeout = Hang)]
    public async Task A_reminder_fires_every_period()
    {
        var engine = await StartAsync();
        await Grain(engine).Set("tea", Minute, 2 * Minute);

        engine.Time.Advance(TimeSpan.FromMinutes(1));
        await Fired(engine, 1);
        engine.Time.Advance(TimeSpan.FromMinutes(1.9));
        await Fired(engine, 1);
        engine.Time.Advance(TimeSpan.FromMinutes(0.2));
        await Fired(engine, 2);
    }

    [Fact(Timeout = Hang)]
    public async Task Periods_missed_fire_once_and_the_rhythm_is_kept()
    {
        var engine = await StartAsync();
        await Grain(engine).Set("tea", Minute, 2 * Minute);
        await engine.StopAsync();
        // Due at minutes 1, 3, 5, 7.
        engine.Time.Advance(TimeSpan.FromMinutes(6));
        await engine.StartAsync();

        engine.Time.Advance(TimeSpan.Zero);
        await Fired(engine, 1);
        engine.Time.Advance(TimeSpan.FromMinutes(0.9));
        await Fired(engine, 1);
        engine.Time.Advance(TimeSpan.FromMinutes(0.2));
        await Fired(engine, 2);
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_that_fired_is_not_due_again_after_a_restart()
    {
        var engine = await StartAsync();
        await Grain(engine).Set("tea", Minute, Minute);
        engine.Time.Advance(TimeSpan.FromMinutes(1));
        await Fired(engine, 1);

        await engine.RestartAsync();
        engine.Time.Advance(TimeSpan.FromSeconds(59));
        await Fired(engine, 1);
        engine.Time.Advance(TimeSpan.FromSeconds(1));
        await Fired(engine, 2);
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_that_fails_is_tried_again_next_period()
    {
        var engine = await StartAsync();
        await Grain(engine).Set("failing", Minute, Minute);

        for (var n = 1; n <= 3; n++)
        {
            engine.Time.Advance(TimeSpan.FromMinutes(1));
            await Fired(engine, n, "failing");
        }
    }

    [Fact(Timeout = Hang)]
    public async Task A_reminder_of_a_kind_that_is_gone_is_kept_for_when_it_comes_back()
    {
        var directory = Directory.CreateTempSubdirectory("store-").FullName;
        var engine = await StartAsync(directory: directory);
        await Grain(engine).Set("tea", Minute, Minute);
        await engine.StopAsync();
        var without = await StartAsync(directory: directory, definitions: [GrainDefinition.Of<ITurnsGrain, TurnsGrain>("contract.turns")]);
        without.Time.Advance(TimeSpan.FromMinutes(5));
        await without.StopAsync();

        await engine.StartAsync();
        engine.Time.Advance(TimeSpan.FromMinutes(1));

        await Fired(engine, 1);
        await engine.StopAsync();
        Directory.Delete(directory, recursive: true);
    }

    private static IRemindedGrain Grain(Testing.TestEngine engine) => engine.Grains.Get<IRemindedGrain>("k");

    private async Task Fired(Testing.TestEngine engine, int count, string name = "tea")
    {
        await Probe.Happened("k " + name, count);
        // The call comes after a reminder that fell due, and its write after the one that stores the next due time.
        await Grain(engine).Clear("nothing");
        Assert.Equal(count, Probe.Count("k " + name));
    }
}
