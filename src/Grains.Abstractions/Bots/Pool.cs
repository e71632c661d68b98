namespace CozeCluster;

/// <summary>A bot of a pool.</summary>
/// <param name="Id">The bot.</param>
/// <param name="Upstream">Its upstream's name; null if the fleet has no such bot.</param>
[GenerateSerializer, Immutable, Alias("pooled-bot")]
public sealed record PooledBot(string Id, string? Upstream);

/// <summary>Asks a pool for a bot.</summary>
/// <param name="Preferred">The bot the conversation already lives on; taken if the pool still has it and it is not among <paramref name="Refused"/>.</param>
/// <param name="Refused">Bots that refused this turn, with how long they are worth skipping; remembered by the pool for everyone.</param>
[GenerateSerializer, Immutable, Alias("pick-request")]
public sealed record PickRequest(string? Preferred, IReadOnlyList<Refusal> Refused);

/// <summary>A bot, bot's account or pool that will not take a turn now.</summary>
/// <param name="Id">Bot or account id.</param>
/// <param name="Error">Why.</param>
/// <param name="Until">Until when; null: just this turn.</param>
[GenerateSerializer, Immutable, Alias("refusal")]
public sealed record Refusal(string Id, Error Error, DateTimeOffset? Until);

/// <summary>A pool's choice.</summary>
/// <param name="BotId">The bot; null if none can take the turn.</param>
/// <param name="Error">With no bot: why.</param>
/// <param name="Upstream">With a bot: the name of its upstream, where the pool knows it.</param>
[GenerateSerializer, Immutable, Alias("pick-result")]
public sealed record PickResult(string? BotId, Error? Error, string? Upstream = null);

/// <summary>Asks for a lease. Leases last <see cref="Lifetime"/> unless renewed.</summary>
/// <param name="LeaseId">Minted by the caller; idempotent.</param>
/// <param name="Avoid">Accounts that refused this turn.</param>
/// <param name="PreferredAccount">The account the upstream's conversation belongs to.</param>
[GenerateSerializer, Immutable, Alias("lease-request")]
public sealed record LeaseRequest(string LeaseId, IReadOnlyList<string> Avoid, string? PreferredAccount)
{
    /// <summary>30 s.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromSeconds(30);
}

/// <summary>A bot's answer to a lease request: exactly one of <paramref name="Grant"/> and <paramref name="Refusal"/> is set.</summary>
[GenerateSerializer, Immutable, Alias("lease-result")]
public sealed record LeaseResult(Lease? Grant, Refusal? Refusal);

/// <summary>Permission to run one turn on a bot with an account.</summary>
/// <param name="Id">As requested.</param>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account to send with.</param>
[GenerateSerializer, Immutable, Alias("lease")]
public sealed record Lease(string Id, BotDefinition Bot, AccountDefinition Account);

/// <summary>An account's answer to a lease request: exactly one is set.</summary>
[GenerateSerializer, Immutable, Alias("account-lease-result")]
public sealed record AccountLeaseResult(AccountDefinition? Grant, Refusal? Refusal);

/// <summary>How a lease was used.</summary>
/// <param name="Error">Null if all went well.</param>
[GenerateSerializer, Immutable, Alias("lease-outcome")]
public sealed record LeaseOutcome(Error? Error)
{
    /// <summary>All went well.</summary>
    public static LeaseOutcome Success { get; } = new((Error?)null);
}

/// <summary>What an API key opens.</summary>
[GenerateSerializer, Immutable, Alias("api-key-info")]
public sealed record ApiKeyInfo(string TenantId, string Name, bool Admin);

/// <summary>A model as lists show it.</summary>
[GenerateSerializer, Immutable, Alias("model-info")]
public sealed record ModelInfo(string Id, DateTimeOffset CreatedAt);
