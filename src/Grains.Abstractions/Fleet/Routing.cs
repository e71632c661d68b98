namespace CozeCluster;

/// <summary>How a pool picks the next bot of a tier. Names are stored: never rename them.</summary>
[GenerateSerializer, Alias("routing-strategy")]
public enum RoutingStrategy
{
    /// <summary>In turn.</summary>
    RoundRobin,

    /// <summary>In proportion to the weights, as evenly spread as possible.</summary>
    Weighted,

    /// <summary>
    /// The bot with the fewest running turns of all tenants. Of a tier with more than 32 bots, the least busy one of 32 that are chosen at random.
    /// </summary>
    LeastBusy,

    /// <summary>At random, each with the same probability.</summary>
    Random,
}

/// <summary>The weight and the priority of a bot within a model.</summary>
/// <param name="BotId">The bot.</param>
[GenerateSerializer, Immutable, Alias("bot-share")]
public sealed record BotShare(string BotId)
{
    /// <summary>How many turns it gets in relation to other bots, 1 to 1000. Default 1. Only <see cref="RoutingStrategy.Weighted"/> uses it.</summary>
    [Id(0)]
    public int Weight { get => field == 0 ? 1 : field; init; }

    /// <summary>Its tier, 1 to 100. Default 1. Bots of a tier are used when no bot of the tiers with lower numbers is available.</summary>
    [Id(1)]
    public int Priority { get => field == 0 ? 1 : field; init; }
}

/// <summary>How many turns run on a bot, as its silo knows it.</summary>
/// <param name="BotId">The bot.</param>
/// <param name="Turns">The number of turns.</param>
[GenerateSerializer, Immutable, Alias("bot-load")]
public sealed record BotLoad(string BotId, int Turns);
