namespace CozeCluster.Silo.Fleets;

/// <summary>A sound fleet file. Its secrets are open, so it is never stored or logged; <see cref="FleetBuilder"/> seals them.</summary>
internal sealed record FleetFile(
    IReadOnlyList<TenantDefinition> Tenants,
    IReadOnlyList<FleetAccount> Accounts,
    IReadOnlyList<BotDefinition> Bots,
    IReadOnlyList<ModelDefinition> Models)
{
    /// <summary>How operators are told of changes; null: not at all.</summary>
    public FleetNotifications? Notifications { get; init; }

    /// <summary>Discord bots that listen.</summary>
    public IReadOnlyList<FleetListener> Listeners { get; init; } = [];

    /// <summary>What operators should know though it is no mistake; told whenever the fleet is taken over.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A listener with open secrets.</summary>
/// <param name="Definition">All but the secrets; <see cref="NoSecret"/> stands for its token.</param>
/// <param name="Token">See <see cref="ListenerDefinition.Token"/>.</param>
/// <param name="Proxy">See <see cref="ListenerDefinition.Proxy"/>.</param>
internal sealed record FleetListener(ListenerDefinition Definition, string Token, string? Proxy)
{
    public static Secret NoSecret { get; } = new("");

    /// <summary>Never the secrets.</summary>
    public override string ToString() => Definition.Id;
}

/// <summary>An account with open secrets.</summary>
/// <param name="Definition">All but the secrets.</param>
/// <param name="Token">See <see cref="AccountDefinition.Token"/>.</param>
/// <param name="OAuth">See <see cref="AccountDefinition.OAuth"/>.</param>
/// <param name="Proxy">See <see cref="AccountDefinition.Proxy"/>.</param>
internal sealed record FleetAccount(AccountDefinition Definition, string? Token, FleetOAuth? OAuth, string? Proxy)
{
    /// <summary>Never the secrets.</summary>
    public override string ToString() => Definition.Id;
}

/// <summary>An OAuth application with its open key.</summary>
internal sealed record FleetOAuth(string AppId, string KeyId, string PrivateKey, string? EnterpriseAccountId)
{
    /// <summary>Never the key.</summary>
    public override string ToString() => AppId;
}
