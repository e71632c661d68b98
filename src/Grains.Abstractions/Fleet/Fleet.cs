using System.Collections.ObjectModel;
using System.Globalization;
using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>Everything that operators declare. Its secrets are sealed.</summary>
/// <param name="Version">A hash of the content: fleets with the same version are equal.</param>
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
    /// <summary>How operators are notified of health changes; null: not at all.</summary>
    [Id(0), JsonPropertyName("notices")]
    public NotificationsDefinition? Notifications { get; init; }

    /// <summary>Discord listener bots. Unique by id.</summary>
    [Id(1)]
    public IReadOnlyList<ListenerDefinition> Listeners { get => field ?? []; init; }

    /// <summary>
    /// The number that operators raise with each change, 1 or greater; null: they declare none. A lower number than the applied one is refused.
    /// </summary>
    [Id(2)]
    public int? DeclaredVersion { get; init; }

    /// <summary>Addresses that answer as older systems do. Unique by id.</summary>
    [Id(3)]
    public IReadOnlyList<EndpointDefinition> Endpoints { get => field ?? []; init; }

    /// <summary>
    /// The key that seals the secrets of this fleet; null if it was never replaced. If it is replaced between sealing and import, the import is refused.
    /// </summary>
    [Id(60)]
    public SealKey? SealKey { get; init; }

    /// <summary>A fleet without any content.</summary>
    public static Fleet Empty { get; } = new("", [], [], [], []);
}

/// <summary>A tenant: the owner of API keys that share limits.</summary>
/// <param name="StoreConversations">Whether prompts and replies of named conversations are stored, so that clients can read them later. Default true.</param>
[method: JsonConstructor]
[GenerateSerializer, Immutable, Alias("tenant-definition")]
public sealed record TenantDefinition(bool StoreConversations = true)
{
    /// <summary>Creates a tenant with all defaults. Orleans calls this constructor when it deserializes a tenant.</summary>
    public TenantDefinition() : this(StoreConversations: true)
    {
    }

    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>Its API keys.</summary>
    [Id(1)]
    public IReadOnlyList<ApiKeyDefinition> Keys { get => field ?? []; init; }

    /// <summary>The maximum number of turns that run or wait at the same time; null: no limit.</summary>
    [Id(2)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>The model of requests that name none; null: such requests are refused.</summary>
    [Id(3)]
    public string? DefaultModel { get; init; }

    /// <summary>Further names of models. Names without <c>*</c> come first, then the first pattern that matches is used.</summary>
    [Id(4)]
    public IReadOnlyList<ModelAlias> Aliases { get => field ?? []; init; }

    /// <summary>The limits that all of its keys share; null: none.</summary>
    [Id(20)]
    public LimitsDefinition? Limits { get; init; }

    /// <summary>Whether the tenant uses credit that was paid in advance and does not reset. Default false.</summary>
    [Id(21)]
    public bool Prepaid { get; init; }

    /// <summary>
    /// Whether the prompts and replies of its turns are part of traces, on nodes that record the names for generative AI (<c>--genai-telemetry</c>). A change
    /// applies to turns that begin to run after it; if it is switched off, running turns are not exported either. Default false.
    /// </summary>
    [Id(80), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool TelemetryContent { get; init; }
}

/// <summary>An API key.</summary>
/// <param name="Name">A name for people. Never the key itself.</param>
/// <param name="Hash">See <see cref="GrainKeys.ApiKeyHash"/>.</param>
/// <param name="Admin">Whether the key gives access to the admin API instead of the tenant's API.</param>
[GenerateSerializer, Immutable, Alias("api-key-definition")]
public sealed record ApiKeyDefinition(string Name, string Hash, bool Admin)
{
    /// <summary>
    /// Whether an error inside a stream is also sent as content, marked as an error: for clients that do not show error events. Default false.
    /// </summary>
    [Id(0)]
    public bool ErrorText { get; init; }

    /// <summary>Whose API its requests use, at addresses that belong to no <see cref="EndpointDefinition"/>.</summary>
    [Id(1)]
    public CompatMode Compat { get; init; }

    /// <summary>The models that the key may use, of those that its tenant may use; empty: all of them.</summary>
    [Id(20)]
    public IReadOnlyList<string> Models { get => field ?? []; init; }

    /// <summary>The addresses that may send the key, as ranges in CIDR notation (<c>10.0.0.0/8</c>); empty: all addresses.</summary>
    [Id(21)]
    public IReadOnlyList<string> IpRanges { get => field ?? []; init; }

    /// <summary>When the key stops being valid; null: never. Replies that run then are not ended.</summary>
    [Id(22)]
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the key is refused. Default false.</summary>
    [Id(23)]
    public bool Disabled { get; init; }

    /// <summary>The limits of this key, besides those of its tenant; null: none.</summary>
    [Id(24)]
    public LimitsDefinition? Limits { get; init; }

    /// <summary>Whether responses name the bot that answered and the number of attempts. Default false.</summary>
    [Id(50)]
    public bool ShowBot { get; init; }

    /// <summary>The secret that the key had before, which stays valid for a while; null: none.</summary>
    [Id(70)]
    public PreviousApiKey? Previous { get; init; }

    /// <summary>The beginning and the last characters of the key, by which people recognize it; null: not known.</summary>
    [Id(71)]
    public string? Hint { get; init; }

    /// <summary>What an admin key may do; null: everything, as an owner.</summary>
    [Id(65)]
    public AdminRole? Role { get; init; }
}

/// <summary>The secret that an API key had before it was rotated.</summary>
/// <param name="Hash">See <see cref="GrainKeys.ApiKeyHash"/>.</param>
/// <param name="Until">When it stops being valid.</param>
[GenerateSerializer, Immutable, Alias("previous-api-key")]
public sealed record PreviousApiKey(string Hash, DateTimeOffset Until);

/// <summary>A Discord bot that receives the messages of one server, and creates and deletes channels there.</summary>
[GenerateSerializer, Immutable, Alias("listener-definition")]
public sealed record ListenerDefinition
{
    /// <summary>1 to 40 of <c>a-z 0-9 - _</c>.</summary>
    [Id(0)]
    public required string Id { get; init; }

    /// <summary>The URL of the REST API, with its version and without a trailing slash.</summary>
    [Id(1)]
    public required string BaseUrl { get; init; }

    /// <summary>The URL of Discord's gateway; null: the URL that the REST API returns.</summary>
    [Id(2)]
    public string? GatewayUrl { get; init; }

    /// <summary>The bot token.</summary>
    [Id(3)]
    public required Secret Token { get; init; }

    /// <summary>The server's snowflake id.</summary>
    [Id(4)]
    public required string GuildId { get; init; }

    /// <summary>The number of shards of the listener. The server's events arrive on shard <c>(guild &gt;&gt; 22) % shards</c>. Default 1.</summary>
    [Id(5)]
    public int Shards { get => field == 0 ? 1 : field; init; }

    /// <summary>The shard on which the server's events arrive.</summary>
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

    /// <summary>The URL of the upstream's API, without a trailing slash.</summary>
    [Id(2)]
    public required string BaseUrl { get; init; }

    /// <summary>
    /// A token that is sent as it is (personal access token, service token); null with <see cref="OAuth"/> and <see cref="CredentialFromRequest"/>.
    /// </summary>
    [Id(3)]
    public Secret? Token { get; init; }

    /// <summary>An application that obtains short-lived tokens; null with <see cref="Token"/>.</summary>
    [Id(4)]
    public OAuthDefinition? OAuth { get; init; }

    /// <summary>
    /// The URL of a proxy (<c>http://</c>, <c>socks4://</c>, <c>socks4a://</c> or <c>socks5://</c>), with credentials if it needs them; null: no proxy.
    /// </summary>
    [Id(5)]
    public Secret? Proxy { get; init; }

    /// <summary>The maximum number of turns that run at the same time; null: no limit.</summary>
    [Id(6)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>Options of this upstream.</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Options { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>
    /// Whether every request brings its own credential (<see cref="RequestCredential"/>), so that the account has none. Only accounts of language models can.
    /// </summary>
    [Id(8), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool CredentialFromRequest { get; init; }

    /// <summary>See <see cref="BotDefinition.Limits"/>. They count over all of its bots.</summary>
    [Id(50)]
    public LimitsDefinition? Limits { get; init; }
}

/// <summary>An OAuth JWT application of Coze.</summary>
/// <param name="AppId">The claim <c>iss</c>.</param>
/// <param name="KeyId">The header <c>kid</c>: the fingerprint of the public key.</param>
/// <param name="PrivateKey">An RSA key in PEM format.</param>
/// <param name="EnterpriseAccountId">For enterprises with several organizations; otherwise null.</param>
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

    /// <summary>The bot's id at the upstream.</summary>
    [Id(2)]
    public required string UpstreamBotId { get; init; }

    /// <summary>The accounts that it may send with; at least one.</summary>
    [Id(3)]
    public required IReadOnlyList<string> Accounts { get; init; }

    /// <summary>The maximum number of turns that run at the same time; null: no limit.</summary>
    [Id(4)]
    public int? MaxConcurrentTurns { get; init; }

    /// <summary>How long a turn waits for the bot's reply.</summary>
    [Id(5)]
    public TurnTimeouts Timeouts { get => field ?? TurnTimeouts.Default; init; }

    /// <summary>How the bot is kept active; null: not at all.</summary>
    [Id(6)]
    public KeepActiveDefinition? KeepActive { get; init; }

    /// <summary>Options of this upstream.</summary>
    [Id(7)]
    public IReadOnlyDictionary<string, string> Options { get => field ?? ReadOnlyDictionary<string, string>.Empty; init; }

    /// <summary>What it does with requests. Only bots of OpenAI-compatible servers have other tasks than chat.</summary>
    [Id(8), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ModelTask Task { get; init; }

    /// <summary>
    /// Its limits per minute and its budgets, over all tenants; null: none. <see cref="LimitsDefinition.MaxConcurrentTurns"/> is not used.
    /// </summary>
    [Id(50)]
    public LimitsDefinition? Limits { get; init; }
}

/// <summary>
/// A message that keeps a bot active. It is sent only if the bot was not used in the meantime. Exactly one of <see cref="Every"/> and <see cref="At"/> is set.
/// </summary>
/// <param name="Text">The text of the message.</param>
[GenerateSerializer, Immutable, Alias("keep-active-definition")]
public sealed record KeepActiveDefinition(string Text)
{
    /// <summary>The time after the last use of the bot; 10 minutes or more.</summary>
    [Id(0)]
    public TimeSpan? Every { get; init; }

    /// <summary>The time of day at which the message is sent every day.</summary>
    [Id(1)]
    public TimeSpan? At { get; init; }

    /// <summary>The IANA name of the time zone of <see cref="At"/>; null: UTC.</summary>
    [Id(2)]
    public string? TimeZone { get; init; }
}

/// <summary>How operators are notified of health changes. At least one property is set.</summary>
[GenerateSerializer, Immutable, Alias("notices-definition")]
public sealed record NotificationsDefinition
{
    /// <summary>Sends notifications as JSON by HTTP POST.</summary>
    [Id(0)]
    public WebhookDefinition? Webhook { get; init; }

    /// <summary>Sends notifications as messages of a Telegram bot.</summary>
    [Id(1)]
    public TelegramDefinition? Telegram { get; init; }
}

/// <summary>The endpoint that notifications are posted to.</summary>
/// <param name="Url">An https URL, or an http URL on loopback. It is a secret because many services put a secret into it.</param>
/// <param name="Secret">The value of the header <c>x-cozecluster-secret</c>; null: the header is not sent.</param>
[GenerateSerializer, Immutable, Alias("webhook-definition")]
public sealed record WebhookDefinition(Secret Url, Secret? Secret);

/// <summary>A Telegram bot and the chat that it writes to.</summary>
/// <param name="Token">The bot's token.</param>
/// <param name="ChatId">The number of a chat, or <c>@channel</c>.</param>
/// <param name="BaseUrl">The URL of the Bot API, without a trailing slash.</param>
[GenerateSerializer, Immutable, Alias("telegram-definition")]
public sealed record TelegramDefinition(Secret Token, string ChatId, string BaseUrl);

/// <summary>What is in the fleet, for code that needs all of it.</summary>
/// <param name="Bots">The ids of all bots.</param>
/// <param name="Accounts">The ids of all accounts.</param>
/// <param name="Listeners">The ids of all listener connections; see <see cref="GrainKeys.DiscordSession"/>.</param>
/// <param name="Notifications">How operators are notified of health changes; null: not at all.</param>
public sealed record FleetOutline(
    IReadOnlyList<string> Bots, IReadOnlyList<string> Accounts, IReadOnlyList<string> Listeners, NotificationsDefinition? Notifications)
{
    /// <summary>The ids of all tenants.</summary>
    public IReadOnlyList<string> Tenants { get => field ?? []; init; }

    /// <summary>All models, in the fleet's order.</summary>
    public IReadOnlyList<ModelDefinition> Models { get => field ?? []; init; }

    /// <summary>See <see cref="Fleet.SealKey"/>.</summary>
    public SealKey? SealKey { get; init; }

    /// <summary>A sealed secret of the fleet; null if it has none.</summary>
    public Secret? AnySecret { get; init; }
}

/// <summary>What decides whose API a request uses.</summary>
/// <param name="All">The endpoints.</param>
/// <param name="HasCompatKeys">Whether any API key has a <see cref="ApiKeyDefinition.Compat"/>.</param>
public sealed record FleetEndpoints(IReadOnlyList<EndpointDefinition> All, bool HasCompatKeys)
{
    /// <summary>Every request uses the standard API.</summary>
    public static FleetEndpoints None { get; } = new([], HasCompatKeys: false);
}

/// <summary>How long a turn waits for a reply.</summary>
/// <param name="FirstByte">The longest time from sending the prompt to the first event.</param>
/// <param name="Idle">The longest time between two events.</param>
/// <param name="Total">The longest time from sending the prompt to the end of the reply.</param>
[GenerateSerializer, Immutable, Alias("turn-timeouts")]
public sealed record TurnTimeouts(TimeSpan FirstByte, TimeSpan Idle, TimeSpan Total)
{
    /// <summary>60 s, 120 s, 15 minutes.</summary>
    public static TurnTimeouts Default { get; } = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(120), TimeSpan.FromMinutes(15));
}
