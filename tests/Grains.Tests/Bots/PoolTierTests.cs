using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>The strategies of a pool. The random numbers begin with a fixed state, so each run is the same.</summary>
public sealed class PoolTierTests
{
    private readonly ManualTime _time = new();
    private readonly BotLoads _loads;
    private readonly HashSet<string> _away = [];
    private ulong _random = 42;

    public PoolTierTests() => _loads = new BotLoads(_time);

    [Fact]
    public void RoundRobin_TakesEachBotOnceInARound_AndSkipsThoseThatAreAway()
    {
        var tier = new RoundRobinTier(1, ["a", "b", "c"]);
        Assert.Equal(["a", "b", "c", "a", "b", "c"], Pick(tier, 6));
        _away.Add("b");
        Assert.Equal(["a", "c", "a", "c"], Pick(tier, 4));
        _away.UnionWith(["a", "c"]);
        Assert.Null(Find(tier));
    }

    [Fact]
    public void Weighted_InEachRound_PicksEachBotAsOftenAsItsWeight()
    {
        var random = new Random(1);
        for (var run = 0; run < 200; run++)
        {
            int[] weights = [.. Enumerable.Range(0, random.Next(1, 20)).Select(_ => random.Next(1, 12))];
            var tier = Weighted(weights);
            for (var round = 0; round < 3; round++)
            {
                var counts = Pick(tier, weights.Sum()).CountBy(bot => bot).ToDictionary();
                Assert.Equal(weights, Enumerable.Range(0, weights.Length).Select(i => counts.GetValueOrDefault($"{i}")));
            }
        }
    }

    [Fact]
    public void Weighted_SpreadsTheTurnsOfABot()
    {
        var picks = Pick(Weighted(5, 1, 1), 700);

        // Five of seven: never two others in a row more than once in a round, and never more than six times the same one.
        Assert.DoesNotContain("0000000", string.Concat(picks), StringComparison.Ordinal);
        Assert.Equal(500, picks.Count(bot => bot == "0"));
    }

    [Fact]
    public void Weighted_OfABotThatWasAway_DoesNotCatchUp()
    {
        var tier = Weighted(1, 1);
        _away.Add("1");
        Pick(tier, 1_000);
        _away.Clear();

        var picks = Pick(tier, 10);
        Assert.InRange(picks.Count(bot => bot == "1"), 5, 6);
    }

    [Fact]
    public void Weighted_ThatReplacesAnother_ContinuesItsOrder()
    {
        var before = Weighted(100, 1);
        while (Pick(before, 1)[0] != "1") { }
        var after = new WeightedTier(1, ["1", "0", "2"], [1, 100, 1], ref _random);
        after.Continue(before);

        Assert.DoesNotContain("1", Pick(after, 50));
    }

    [Fact]
    public void LeastBusy_PicksTheBotWithTheFewestTurns_AndTakesTurnsAmongEquals()
    {
        var tier = new LeastBusyTier(1, ["a", "b", "c"], _loads);
        _loads.Report("a", 2);
        _loads.Report("b", 1);
        _loads.Report("c", 1);

        // Turns that were just sent count before the bots say so.
        Assert.Equal(["b", "c", "a", "b", "c"], Pick(tier, 5));
        foreach (var bot in tier.Bots) _loads.Report(bot, 7);
        _away.Add("a");
        Assert.Equal(["b", "c", "b"], Pick(tier, 3));
    }

    [Fact]
    public void LeastBusy_OfThousandsOfBots_SpreadsTurnsWellAndFindsTheOnlyFreeOne()
    {
        var tier = new LeastBusyTier(1, [.. Enumerable.Range(0, 10_000).Select(i => $"{i}")], _loads);
        var counts = new Dictionary<string, int>();
        for (var i = 0; i < 20_000; i++)
        {
            var bot = Pick(tier, 1)[0];
            _loads.Report(bot, counts[bot] = counts.GetValueOrDefault(bot) + 1);
        }
        Assert.InRange(counts.Values.Max(), 2, 4);

        _away.UnionWith(tier.Bots.Where(bot => bot != "7777"));
        Assert.Equal("7777", Find(tier));
    }

    [Fact]
    public void Random_PicksEachBotWithTheSameProbability()
    {
        var tier = new RandomTier(1, [.. Enumerable.Range(0, 10).Select(i => $"{i}")]);
        _away.Add("3");
        var counts = Pick(tier, 90_000).CountBy(bot => bot).ToDictionary();

        Assert.Equal(9, counts.Count);
        // Six standard deviations.
        Assert.All(counts.Values, count => Assert.InRange(count, 10_000 - 566, 10_000 + 566));
        _away.UnionWith(tier.Bots.Where(bot => bot != "8"));
        Assert.Equal(["8", "8"], Pick(tier, 2));
    }

    [Fact]
    public void Find_ChangesNothing()
    {
        PoolTier[] tiers =
        [
            new RoundRobinTier(1, ["a", "b"]), Weighted(3, 2), new LeastBusyTier(1, ["a", "b"], _loads), new RandomTier(1, ["a", "b", "c", "d"]),
        ];
        foreach (var tier in tiers)
        {
            for (var i = 0; i < 20; i++)
            {
                var seed = _random;
                var expected = tier.Find(_ => true, ref seed);
                Assert.Equal(expected, Pick(tier, 1)[0]);
            }
        }
    }

    private WeightedTier Weighted(params int[] weights) => new(1, [.. Enumerable.Range(0, weights.Length).Select(i => $"{i}")], weights, ref _random);

    private string? Find(PoolTier tier) => tier.Find(bot => !_away.Contains(bot), ref _random);

    private List<string> Pick(PoolTier tier, int count)
    {
        var picks = new List<string>();
        for (var i = 0; i < count; i++)
        {
            var bot = Find(tier)!;
            tier.Take(bot);
            picks.Add(bot);
        }
        return picks;
    }
}
