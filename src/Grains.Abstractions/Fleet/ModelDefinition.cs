using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>A model name that clients use, and the bots behind it.</summary>
[GenerateSerializer, Immutable, Alias("model-definition")]
public sealed record ModelDefinition
{
    /// <summary>1 to 100 characters, no spaces.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The bots of the pool; at least one.</summary>
    [Id(1)]
    public required IReadOnlyList<string> Bots { get; init; }

    /// <summary>The tenants that may use it; empty: all tenants.</summary>
    [Id(2)]
    public IReadOnlyList<string> Tenants { get => field ?? []; init; }

    /// <summary>When it was first declared, as model lists show it. If it is not set, the catalog sets it on import.</summary>
    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// Bots that are tried in this order when all of <see cref="Bots"/> refuse a turn or fail before its first text; empty: none. None of them is in
    /// <see cref="Bots"/>.
    /// </summary>
    [Id(4)]
    public IReadOnlyList<string> Fallback { get => field ?? []; init; }

    /// <summary>Whether lists of models omit it. Default false.</summary>
    [Id(5)]
    public bool Hidden { get; init; }

    /// <summary>
    /// Whether a request with tools is refused when the bots do not take the tools of a client. Default false: the tools are ignored, and the reply says so.
    /// </summary>
    [Id(6)]
    public bool RefusesTools { get; init; }

    /// <summary>The same for <c>response_format</c>.</summary>
    [Id(7)]
    public bool RefusesResponseFormat { get; init; }

    /// <summary>Whether a tenant may use it.</summary>
    public bool IsOfferedTo(string tenantId) => Tenants.Count == 0 || Tenants.Contains(tenantId);

    /// <summary>What a turn costs; null: no credits.</summary>
    [Id(20)]
    public PriceDefinition? Price { get; init; }

    /// <summary>How the next bot is picked.</summary>
    [Id(50), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public RoutingStrategy Routing { get; init; }

    /// <summary>The bots of <see cref="Bots"/> that have another weight or priority than the default; null: none.</summary>
    [Id(51)]
    public IReadOnlyList<BotShare>? Shares { get; init; }
}

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
