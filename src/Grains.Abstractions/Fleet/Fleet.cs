using System.Collections.ObjectModel;
using System.Globalization;
using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>All that operators declare. Secrets in it are sealed.</summary>
/// <param name="Version">A hash of the content: equal versions are equal fleets.</param>
/// <param name="Tenants">Unique by id.</param>
/// <param name="Accounts">Unique by id.</param>
/// <param name="Bots">Unique by id.</param>
/// <param name="Models">Unique by id.</param>
[GenerateSerializer, Immutable, Alias("fleet")]
public sealed record Fleet(
    string Version,
    IReadOnlyList<TenantDefinition> Tenants,
    IReadOnlyList<AccountDefinition> Accounts,
    IReadOnlyList<BotDefinition> Bots,
    IReadOnlyList<ModelDefinition> Models)
{
    /// <summary>How operators are notified of changes; null: not at all.</summary>
    [Id(0), JsonPropertyName("notices")]
    public NotificationsDefinition? Notifications { get; init; }

    /// <summary>Discord bots that listen. Unique by id.</summary>
    [Id(1)]
    public IReadOnlyList<ListenerDefinition> Listeners { get => field ?? []; init; }

    /// <summary>Nothing.</summary>
    public static Fleet Empty { get; } = new("", [], [], [], []);
}

/// <summary>A tenant: whoever holds API keys and shares limits.</summary>
/// <param name="StoreConversations">Whether prompts and replies of named conversations are kept to be read again. Default true.</param>
[method: JsonConstructor]
[GenerateSerializer, Immutable, Alias("tenant-definition")]
public sealed record TenantDefinition(bool StoreConversations = true)
{
    /// <summary>A tenant with every default. Orleans begins with it when it reads one.</summary>
    public TenantDefinition() : this(StoreConversations: true)
    {
    }

    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Its keys.</summary>
    [Id(1)]
    public IReadOnlyList<ApiKeyDefinition> Keys { get => field ?? []; init; }

    /// <summary>Turns it may have running or waiting at once; null: no limit.</summary>
    [Id(2)]
    public int? MaxConcurrentTurns { get; init; }
}

/// <summary>An API key.</summary>
/// <param name="Name">For people; never the key.</param>
/// <param name="Hash">See <see cref="GrainKeys.ApiKeyHash"/>.</param>
/// <param name="Admin">Whether it opens the admin API instead of the tenant's.</param>
[GenerateSerializer, Immutable, Alias("api-key-definition")]
public sealed record ApiKeyDefinition(string Name, string Hash, bool Admin);

/// <summary>A Discord bot that receives what is said in one server, and makes and removes channels there.</summary>
[GenerateSerializer, Immutable, Alias("listener-definition")]
public sealed record ListenerDefinition
{
    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Where the REST API is, version included, no trailing slash.</summary>
    [Id(1)]
    public required string BaseUrl { get; init; }

    /// <summary>Where the gateway is, if not where the REST API says.</summary>
    [Id(2)]
    public string? GatewayUrl { get; init; }

    /// <summary>The bot token.</summary>
    [Id(3)]
    public required Secret Token { get; init; }

    /// <summary>Snowflake of the server.</summary>
    [Id(4)]
    public required string GuildId { get; init; }

    /// <summary>How many shards the listener's gateway has; the server's events come on shard <c>(guild &gt;&gt; 22) % shards</c>. Default 1.</summary>
    [Id(5)]
    public int Shards { get => field == 0 ? 1 : field; init; }

    /// <summary>The shard that the server's events come on.</summary>
    public int HomeShard() => (int)((ulong.Parse(GuildId, NumberStyles.None, CultureInfo.InvariantCulture) >> 22) % (ulong)Shards);

    /// <summary>See <see cref="AccountDefinition.Proxy"/>.</summary>
    [Id(6)]
    public Secret? Proxy { get; init; }
}

/// <summary>A credential that bots send with.</summary>
[GenerateSerializer, Immutable, Alias("account-definition")]
public sealed record AccountDefinition
{
    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The upstream's name (<c>coze</c>).</summary>
    [Id(1)]
    public required string Upstream { get; init; }

    /// <summary>Where the upstream's API is, no trailing slash.</summary>
    [Id(2)]
    public required string BaseUrl { get; init; }

    /// <summary>A token sent as it is (personal access token, service token); null with <see cref="OAuth"/>.</summary>
    [Id(3)]
    public Secret? Token { get; init; }

    /// <summary>A signed exchange for short-lived tokens; null with <see cref="Token"/>.</summary>
    [Id(4)]
    public OAuthDefinition? OAuth { get; init; }

    /// <summary>A proxy, <c>http://</c>, <c>socks4://</c>, <c>socks4a://</c> or <c>socks5://</c>, with credentials if it needs them; null: none.</summary>
    [Id(5)]
    public Secret? Proxy { get; init; }

    /// <summary>Turns it may run at once; null: no limit.</summary>
    [Id(6)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>What only this upstream knows.</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Options { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }
}

/// <summary>Coze's OAuth JWT application.</summary>
/// <param name="AppId">Claim <c>iss</c>.</param>
/// <param name="KeyId">Header <c>kid</c>: the public key's fingerprint.</param>
/// <param name="PrivateKey">PEM, RSA.</param>
/// <param name="EnterpriseAccountId">For enterprises with several organizations; null for everyone else.</param>
[GenerateSerializer, Immutable, Alias("oauth-definition")]
public sealed record OAuthDefinition(string AppId, string KeyId, Secret PrivateKey, string? EnterpriseAccountId);

/// <summary>A bot at an upstream.</summary>
[GenerateSerializer, Immutable, Alias("bot-definition")]
public sealed record BotDefinition
{
    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The upstream's name (<c>coze</c>).</summary>
    [Id(1)]
    public required string Upstream { get; init; }

    /// <summary>The bot's id there.</summary>
    [Id(2)]
    public required string UpstreamBotId { get; init; }

    /// <summary>Accounts it may send with; at least one.</summary>
    [Id(3)]
    public required IReadOnlyList<string> Accounts { get; init; }

    /// <summary>Turns it may run at once; null: no limit.</summary>
    [Id(4)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>How long a turn waits for it.</summary>
    [Id(5)]
    public TurnTimeouts Timeouts { get => field ?? TurnTimeouts.Default; init; }

    /// <summary>How it is kept from falling asleep; null: not at all.</summary>
    [Id(6)]
    public KeepActiveDefinition? KeepActive { get; init; }

    /// <summary>What only this upstream knows.</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Options { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }
}

/// <summary>
/// A message that keeps a bot active, sent only if it was not used meanwhile: exactly one of <see cref="Every"/> and <see cref="At"/> is set.
/// </summary>
/// <param name="Text">What to say.</param>
[GenerateSerializer, Immutable, Alias("keep-active-definition")]
public sealed record KeepActiveDefinition(string Text)
{
    /// <summary>So long after the bot was last used; 10 minutes or more.</summary>
    [Id(0)]
    public TimeSpan? Every { get; init; }

    /// <summary>Every day at that time of day.</summary>
    [Id(1)]
    public TimeSpan? At { get; init; }

    /// <summary>IANA name of the time zone of <see cref="At"/>; null: UTC.</summary>
    [Id(2)]
    public string? TimeZone { get; init; }
}

/// <summary>How operators are notified of changes; at least one way.</summary>
[GenerateSerializer, Immutable, Alias("notices-definition")]
public sealed record NotificationsDefinition
{
    /// <summary>A POST of JSON.</summary>
    [Id(0)]
    public WebhookDefinition? Webhook { get; init; }

    /// <summary>A message of a Telegram bot.</summary>
    [Id(1)]
    public TelegramDefinition? Telegram { get; init; }
}

/// <summary>Where notices are posted.</summary>
/// <param name="Url">https, or http on loopback. A secret, because many services put one into it.</param>
/// <param name="Secret">Sent along in the header <c>x-cozecluster-secret</c>; null: nothing is.</param>
[GenerateSerializer, Immutable, Alias("webhook-definition")]
public sealed record WebhookDefinition(Secret Url, Secret? Secret);

/// <summary>A Telegram bot, and the chat it writes to.</summary>
/// <param name="Token">The bot's token.</param>
/// <param name="ChatId">A chat's number, or <c>@channel</c>.</param>
/// <param name="BaseUrl">Where the Bot API is, no trailing slash.</param>
[GenerateSerializer, Immutable, Alias("telegram-definition")]
public sealed record TelegramDefinition(Secret Token, string ChatId, string BaseUrl);

/// <summary>What is in the fleet, by id, for whoever watches over all of it.</summary>
/// <param name="Bots">Bots.</param>
/// <param name="Accounts">Accounts.</param>
/// <param name="Listeners">Gateway connections of listeners (see <see cref="GrainKeys"/>).</param>
/// <param name="Notifications">How operators are notified of changes; null: not at all.</param>
[GenerateSerializer, Immutable, Alias("fleet-outline")]
public sealed record FleetOutline(
    IReadOnlyList<string> Bots, IReadOnlyList<string> Accounts, IReadOnlyList<string> Listeners, NotificationsDefinition? Notifications);

/// <summary>How long a turn waits for a reply.</summary>
/// <param name="FirstByte">From sending to the first event of any kind.</param>
/// <param name="Idle">Between events.</param>
/// <param name="Total">From sending to the end.</param>
[GenerateSerializer, Immutable, Alias("turn-timeouts")]
public sealed record TurnTimeouts(TimeSpan FirstByte, TimeSpan Idle, TimeSpan Total)
{
    /// <summary>60 s, 120 s, 15 minutes.</summary>
    public static TurnTimeouts Default { get; } = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120), TimeSpan.FromMinutes(15));
}

/// <summary>A name that clients ask for, and the bots behind it.</summary>
[GenerateSerializer, Immutable, Alias("model-definition")]
public sealed record ModelDefinition
{
    /// <summary>1 to 100 characters, no spaces.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The pool, in round-robin order; at least one.</summary>
    [Id(1)]
    public required IReadOnlyList<string> Bots { get; init; }

    /// <summary>Tenants it is offered to; empty: all.</summary>
    [Id(2)]
    public IReadOnlyList<string> Tenants { get => field ?? []; init; }

    /// <summary>When it was first declared, as model lists show it. Left at its default, the catalog fills it in on import.</summary>
    [Id(3)]
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>A secret at rest: only its sealed form exists in messages and state. <see cref="ISecretSeal"/> opens it where it is used.</summary>
/// <param name="Sealed">Base64 of the sealed bytes.</param>
[GenerateSerializer, Immutable, Alias("secret")]
public sealed record Secret([property: JsonInclude] string Sealed)
{
    /// <summary>Never the secret.</summary>
    public override string ToString() => "(secret)";
}
