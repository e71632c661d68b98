namespace CozeCluster.Silo.Fleets;

/// <summary>
/// The content of a valid fleet file. Its secrets are not encrypted, so it is never stored or logged; <see cref="FleetBuilder"/> encrypts them.
/// </summary>
internal sealed record FleetFile(
    IReadOnlyList<TenantDefinition> Tenants,
    IReadOnlyList<FleetAccount> Accounts,
    IReadOnlyList<BotDefinition> Bots,
    IReadOnlyList<ModelDefinition> Models)
{
    /// <summary>Where notifications are sent; null: nowhere.</summary>
    public FleetNotifications? Notifications { get; init; }

    /// <summary>The Discord bots that receive replies.</summary>
    public IReadOnlyList<FleetListener> Listeners { get; init; } = [];

    /// <summary>See <see cref="Fleet.Endpoints"/>.</summary>
    public IReadOnlyList<EndpointDefinition> Endpoints { get; init; } = [];

    /// <summary>See <see cref="Fleet.DeclaredVersion"/>.</summary>
    public int? DeclaredVersion { get; init; }

    /// <summary>What operators should know, although it is not an error. Logged whenever the fleet is applied.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A listener with unencrypted secrets.</summary>
/// <param name="Definition">Everything but the secrets; its token is <see cref="NoSecret"/>.</param>
/// <param name="Token">See <see cref="ListenerDefinition.Token"/>.</param>
/// <param name="Proxy">See <see cref="ListenerDefinition.Proxy"/>.</param>
internal sealed record FleetListener(ListenerDefinition Definition, string Token, string? Proxy)
{
    public static Secret NoSecret { get; } = new("");

    /// <summary>The id, without secrets.</summary>
    public override string ToString() => Definition.Id;
}

/// <summary>An account with unencrypted secrets.</summary>
/// <param name="Definition">Everything but the secrets.</param>
/// <param name="Token">See <see cref="AccountDefinition.Token"/>.</param>
/// <param name="OAuth">See <see cref="AccountDefinition.OAuth"/>.</param>
/// <param name="Proxy">See <see cref="AccountDefinition.Proxy"/>.</param>
internal sealed record FleetAccount(AccountDefinition Definition, string? Token, FleetOAuth? OAuth, string? Proxy)
{
    /// <summary>The id, without secrets.</summary>
    public override string ToString() => Definition.Id;
}

/// <summary>An OAuth application with its unencrypted private key.</summary>
internal sealed record FleetOAuth(string AppId, string KeyId, string PrivateKey, string? EnterpriseAccountId)
{
    /// <summary>The id of the application, without the key.</summary>
    public override string ToString() => AppId;
}

/// <summary>Where notifications are sent.</summary>
/// <param name="Webhook">Null: no webhook.</param>
/// <param name="Telegram">Null: no Telegram chat.</param>
internal sealed record FleetNotifications(FleetWebhook? Webhook, FleetTelegram? Telegram);

/// <summary>A webhook with unencrypted secrets.</summary>
/// <param name="Url">See <see cref="WebhookDefinition.Url"/>.</param>
/// <param name="Secret">See <see cref="WebhookDefinition.Secret"/>.</param>
internal sealed record FleetWebhook(string Url, string? Secret)
{
    /// <summary>The name of the type, without secrets.</summary>
    public override string ToString() => nameof(FleetWebhook);
}

/// <summary>A Telegram bot with its unencrypted token.</summary>
internal sealed record FleetTelegram(string Token, string ChatId, string BaseUrl)
{
    /// <summary>The id of the chat, without the token.</summary>
    public override string ToString() => ChatId;
}
