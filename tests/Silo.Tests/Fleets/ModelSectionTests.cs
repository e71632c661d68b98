using CozeCluster.Silo.Fleets;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>How bots of a model are picked, and what limits bots and accounts.</summary>
public sealed class ModelSectionTests
{
    [Theory]
    [InlineData("", RoutingStrategy.RoundRobin)]
    [InlineData(", routing: round_robin", RoutingStrategy.RoundRobin)]
    [InlineData(", routing: weighted", RoutingStrategy.Weighted)]
    [InlineData(", routing: least_busy", RoutingStrategy.LeastBusy)]
    [InlineData(", routing: random", RoutingStrategy.Random)]
    public void Read_Routing_ReturnsTheStrategy(string field, RoutingStrategy expected)
    {
        var model = Read("bots: [a, b]" + field).Models[0];
        Assert.Equal((expected, null), (model.Routing, model.Shares));
    }

    [Fact]
    public void Read_BotsWithWeightAndPriority_ReturnsThoseThatDiffer()
    {
        var model = Read("bots: [a, { id: b, weight: 3, priority: 2 }, { id: c }], routing: weighted").Models[0];

        Assert.Equal(["a", "b", "c"], model.Bots);
        Assert.Equal([new BotShare("b") { Weight = 3, Priority = 2 }], model.Shares);
    }

    [Fact]
    public void Read_LimitsOfBotAndAccount_ReturnsThem()
    {
        var fleet = Read("bots: [a]", limits: ", limits: { requests_per_minute: 5, daily: { credits: 2 } }");

        var expected = new LimitsDefinition { RequestsPerMinute = 5, Daily = new BudgetDefinition { Credits = 2 } };
        Assert.Equal((expected, expected), (fleet.Bots[0].Limits, fleet.Accounts[0].Definition.Limits));
    }

    [Fact]
    public void Read_ShowBot_ReturnsIt() => Assert.Equal(
        [true, false], Read("bots: [a]", key: ", show_bot: true").Tenants[0].Keys.Select(key => key.ShowBot));

    [Theory]
    [InlineData("bots: [a], routing: fastest", "models[0].routing: Expected round_robin, weighted, least_busy or random.")]
    [InlineData("bots: [{ id: a, weight: 2 }]", "models[0].bots[0].weight: A weight has an effect only with 'routing: weighted'.")]
    [InlineData("bots: [{ id: a, weight: 0 }], routing: weighted", "models[0].bots[0].weight: Expected a whole number from 1 to 1000.")]
    [InlineData("bots: [{ id: a, priority: 101 }]", "models[0].bots[0].priority: Expected a whole number from 1 to 100.")]
    [InlineData("bots: [{ weight: 2 }], routing: weighted", "models[0].bots[0]: 'id' is missing.")]
    [InlineData("bots: [{ id: a, prio: 2 }]", "models[0].bots[0].prio: 'prio' is not a known key. Known keys: id, weight, priority.")]
    [InlineData("bots: [{ id: d }]", "models[0].bots[0].id: There is no bot 'd'.")]
    [InlineData("bots: [a, { id: a }]", "models[0].bots[1].id: 'a' is listed twice.")]
    [InlineData("bots: [{ id: a }], fallback: [a]", "models[0].fallback[0]: 'a' is in 'bots' already.")]
    public void Read_InvalidModel_SaysWhere(string model, string expected)
    {
        var problem = Assert.Single(ReadAll(model).Problems);
        Assert.StartsWith(expected, $"{problem.Path}: {problem.Message}", StringComparison.Ordinal);
    }

    [Fact]
    public void Read_ConcurrentTurnsInLimitsOfABot_AreUnknown() => Assert.Contains(
        "'max_concurrent_turns' is not a known key",
        ReadAll("bots: [a]", limits: ", limits: { max_concurrent_turns: 5 }").Problems[0].Message, StringComparison.Ordinal);

    private static FleetFile Read(string model, string limits = "", string key = "")
    {
        var result = ReadAll(model, limits, key);
        Assert.Empty(result.Problems);
        return result.File!;
    }

    private static FleetResult ReadAll(string model, string limits = "", string key = "") => SampleFleet.Read($$"""
        tenants: [{ id: t, keys: [{ name: one, key: key-number-one{{key}} }, { name: two, key: key-number-two }] }]
        accounts: [{ id: a, upstream: coze, token: pat_1{{limits}} }]
        bots:
          - { id: a, upstream: coze, bot_id: "1", accounts: [a]{{limits}} }
          - { id: b, upstream: coze, bot_id: "2", accounts: [a] }
          - { id: c, upstream: coze, bot_id: "3", accounts: [a] }
        models: [{ id: m, {{model}} }]
        """);
}
