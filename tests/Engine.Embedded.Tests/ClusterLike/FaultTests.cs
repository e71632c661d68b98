namespace CozeCluster.Engine.Embedded.Tests;

public sealed class FaultTests : EngineTest
{
    private const int Calls = 400;

    [Fact(Timeout = Hang)]
    public async Task Idempotent_calls_survive_rejections_and_lost_answers()
    {
        var engine = await StartAsync(new() { Rejections = 0.1, LostResponses = 0.1 });

        var answers = await Task.WhenAll(Ids.Select(id => engine.Grains.Get<ICountedGrain>(id).Put(id)));

        Assert.Equal(Ids, answers);
        Assert.All(Ids, id => Assert.True(Tally.Of(id) >= 1));
        Assert.Contains(Ids, id => Tally.Of(id) > 1);
    }

    [Fact(Timeout = Hang)]
    public async Task Calls_not_marked_idempotent_are_never_repeated_and_their_callers_hear_of_rejections()
    {
        var engine = await StartAsync(new() { Rejections = 0.1, LostResponses = 0.1, Duplicates = 1 });

        var outcomes = await Task.WhenAll(Ids.Select(id => Outcome(engine.Grains.Get<ICountedGrain>(id).Once(id))));

        Assert.All(Ids, id => Assert.InRange(Tally.Of(id), 0, 1));
        Assert.Contains(outcomes, o => o == ErrorCode.EngineRejected);
        Assert.Contains(outcomes, o => o is null);
        Assert.All(outcomes, o => Assert.True(o is null or ErrorCode.EngineRejected));
        // Some never ran, some ran and their answer was lost.
        Assert.Contains(Ids.Zip(outcomes), x => x.Second is not null && Tally.Of(x.First) == 0);
        Assert.Contains(Ids.Zip(outcomes), x => x.Second is not null && Tally.Of(x.First) == 1);
    }

    [Fact(Timeout = Hang)]
    public async Task Idempotent_calls_are_given_up_after_a_few_tries()
    {
        var engine = await StartAsync(new() { Rejections = 1 });

        Assert.Equal(ErrorCode.EngineRejected, await Outcome(engine.Grains.Get<ICountedGrain>("k").Put("id")));
        Assert.Equal(0, Tally.Of("id"));
    }

    [Fact(Timeout = Hang)]
    public async Task Idempotent_calls_are_delivered_twice()
    {
        var engine = await StartAsync(new() { Duplicates = 0.5 });

        await Task.WhenAll(Ids.Select(id => engine.Grains.Get<ICountedGrain>(id).Put(id)));
        // Stopping waits for duplicates that are on their way into a grain.
        await engine.StopAsync();

        Assert.InRange(Ids.Count(id => Tally.Of(id) == 2), Calls / 4, Calls * 3 / 4);
    }

    [Fact(Timeout = Hang)]
    public async Task Grains_are_put_away_between_calls_unless_they_work()
    {
        var engine = await StartAsync(new() { Deactivations = 1 });
        var (resting, working) = (engine.Grains.Get<ICountedGrain>("resting"), engine.Grains.Get<ICountedGrain>("working"));
        await working.StartWork();

        for (var n = 1; n <= 5; n++)
        {
            Assert.Equal(n, await resting.Incarnation());
            Assert.Equal(1, await working.Incarnation());
        }
    }

    [Fact(Timeout = Hang)]
    public async Task Evictions_put_grains_away_though_they_work()
    {
        var engine = await StartAsync(new() { Evictions = 1 });
        await engine.Grains.Get<ICountedGrain>("k").StartWork();

        Assert.Equal(2, await engine.Grains.Get<ICountedGrain>("k").Incarnation());
    }

    [Fact(Timeout = Hang)]
    public async Task The_same_seed_brings_the_same_faults_and_another_others()
    {
        var first = await Outcomes(7);
        var again = await Outcomes(7);
        var other = await Outcomes(8);

        Assert.Equal(first, again);
        Assert.NotEqual(first, other);

        async Task<List<ErrorCode?>> Outcomes(int seed)
        {
            var engine = await StartAsync(new() { Seed = seed, Rejections = 0.3, LostResponses = 0.2, Delays = 0.2 });
            var outcomes = new List<ErrorCode?>();
            for (var n = 0; n < 100; n++) outcomes.Add(await Outcome(engine.Grains.Get<ICountedGrain>("k").Once("x")));
            return outcomes;
        }
    }

    [Fact(Timeout = Hang)]
    public async Task Rough_weather_is_survived_by_an_idempotent_grain()
    {
        var engine = await StartAsync(ClusterLikeOptions.Rough(seed: 3));

        var answers = await Task.WhenAll(Ids.Select((id, n) => engine.Grains.Get<ICountedGrain>("k" + n % 10).Put(id)));

        Assert.Equal(Ids, answers);
    }

    private static List<string> Ids { get; } = [.. Enumerable.Range(0, Calls).Select(n => "id" + n)];

    private static async Task<ErrorCode?> Outcome(Task call)
    {
        try
        {
            await call;
            return null;
        }
        catch (ClusterException e)
        {
            return e.Code;
        }
    }
}
