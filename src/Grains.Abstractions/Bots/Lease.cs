namespace CozeCluster;

/// <summary>Asks for a lease. A lease expires after <see cref="Lifetime"/> unless it is renewed.</summary>
/// <param name="LeaseId">Created by the caller. A repeated request with the same id has no further effect.</param>
/// <param name="Avoid">Accounts that refused this turn.</param>
/// <param name="PreferredAccount">The account that owns the conversation at the upstream.</param>
[GenerateSerializer, Immutable, Alias("lease-request")]
public sealed record LeaseRequest(string LeaseId, IReadOnlyList<string> Avoid, string? PreferredAccount)
{
    /// <summary>The tenant of the turn; null for a turn of no tenant. Failures that its prompt may have caused count for this tenant only.</summary>
    [Id(0)]
    public string? TenantId { get; init; }

    /// <summary>
    /// The upstream of the credential that came with the request; null: none came. A bot with accounts that take it uses only these; all others use only
    /// accounts with a credential of their own.
    /// </summary>
    [Id(1)]
    public string? CredentialUpstream { get; init; }

    /// <summary>What the turn may use of the limits of the bot and its account; null: one request.</summary>
    [Id(50)]
    public Amounts? Amounts { get; init; }

    /// <summary>30 s.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromSeconds(30);
}

/// <summary>A bot's answer to a lease request: exactly one of <paramref name="Grant"/> and <paramref name="Refusal"/> is set.</summary>
[GenerateSerializer, Immutable, Alias("lease-result")]
public sealed record LeaseResult(Lease? Grant, Refusal? Refusal);

/// <summary>Asks an account for a lease.</summary>
/// <param name="LeaseId">See <see cref="LeaseRequest.LeaseId"/>.</param>
/// <param name="Amounts">What the turn may use.</param>
[GenerateSerializer, Immutable, Alias("account-lease-request")]
public sealed record AccountLeaseRequest(string LeaseId, Amounts Amounts)
{
    /// <summary>See <see cref="LeaseRequest.TenantId"/>.</summary>
    [Id(120)]
    public string? TenantId { get; init; }
}

/// <summary>An account's answer to a lease request: exactly one of <paramref name="Grant"/> and <paramref name="Refusal"/> is set.</summary>
[GenerateSerializer, Immutable, Alias("account-lease-result")]
public sealed record AccountLeaseResult(AccountDefinition? Grant, Refusal? Refusal);

/// <summary>Permission to run one turn on a bot with an account.</summary>
/// <param name="Id">As requested.</param>
/// <param name="Bot">The bot.</param>
/// <param name="Account">The account to send with.</param>
[GenerateSerializer, Immutable, Alias("lease")]
public sealed record Lease(string Id, BotDefinition Bot, AccountDefinition Account);

/// <summary>Says that a bot or an account does not accept a turn now.</summary>
/// <param name="Id">Bot or account id.</param>
/// <param name="Error">Why.</param>
/// <param name="Until">When the refusal ends; null if it is about this turn only.</param>
[GenerateSerializer, Immutable, Alias("refusal")]
public sealed record Refusal(string Id, Error Error, DateTimeOffset? Until)
{
    /// <summary>The kind of reason.</summary>
    [Id(50)]
    public RefusalKind Kind { get; init; }
}

/// <summary>The kinds of reasons why a bot or an account does not accept a turn.</summary>
[GenerateSerializer, Alias("refusal-kind")]
public enum RefusalKind
{
    /// <summary>It does not work at the moment: it is cooling down, out of credit, refused by the upstream, or not in the fleet any more.</summary>
    Unavailable,

    /// <summary>It runs as many turns as it may.</summary>
    Busy,

    /// <summary>It has reached one of its <see cref="LimitsDefinition"/>.</summary>
    AtLimit,
}

/// <summary>How the turn that used a lease has ended.</summary>
/// <param name="Error">Null if the turn succeeded.</param>
[GenerateSerializer, Immutable, Alias("lease-outcome")]
public sealed record LeaseOutcome(Error? Error)
{
    /// <summary>The turn succeeded.</summary>
    public static LeaseOutcome Success { get; } = new((Error?)null);

    /// <summary>What the turn has used of the limits of the bot and its account; null: what was reserved.</summary>
    [Id(50)]
    public Amounts? Used { get; init; }
}
