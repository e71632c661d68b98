using System.Collections.Concurrent;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>The fleet that the gateway sees. The test changes it.</summary>
public sealed class FakeFleet : IFleetView
{
    private static readonly DateTimeOffset Created = DateTimeOffset.UnixEpoch.AddSeconds(1700000000);

    /// <summary>Makes the ids of every fake fleet.</summary>
    public static ConversationIds KnownIds { get; } = new(new byte[ConversationIds.KeyBytes]);

    /// <summary>A model with a bot and a language model behind it. Lists do not have it.</summary>
    public const string LanguageModel = "gpt";

    /// <summary>A model that refuses tools and formats. Lists do not have it.</summary>
    public const string StrictModel = "strict";

    private readonly ConcurrentDictionary<object, Action<FleetChange>> _subscriptions = new();

    public ConcurrentDictionary<string, ApiKeyInfo> Keys { get; } = new(
    [
        new(GrainKeys.ApiKeyHash("sk-test"), new ApiKeyInfo("acme", "test", false)),
        new(GrainKeys.ApiKeyHash("sk-other"), new ApiKeyInfo("other", "other", false)),
        new(GrainKeys.ApiKeyHash("sk-admin"), new ApiKeyInfo("acme", "admin", true)),
        new(GrainKeys.ApiKeyHash("sk-operator"), new ApiKeyInfo("acme", "operator", true) { Role = AdminRole.Operator }),
        new(GrainKeys.ApiKeyHash("sk-viewer"), new ApiKeyInfo("acme", "viewer", true) { Role = AdminRole.Viewer }),
        new(GrainKeys.ApiKeyHash("sk-tenant-admin"), new ApiKeyInfo("acme", "tenant-admin", true) { Role = AdminRole.TenantAdmin }),
    ]);

    public List<string> Models { get; } = ["bot", "team/bot 1"];

    /// <summary>Bots with a model of the same name. The accounts whose ids begin with <c>own-</c> take credentials of requests.</summary>
    public Dictionary<string, BotDefinition> OtherBots { get; } = new[]
    {
        Bot("vectors", ModelTask.Embeddings, "a"), Bot("checks", ModelTask.Moderations, "a"), Bot("own-vectors", ModelTask.Embeddings, "own-a"),
        Bot("own", ModelTask.Chat, "own-a"), Bot("either", ModelTask.Chat, "own-a", "a"),
    }.ToDictionary(bot => bot.Id);

    /// <summary>The exception of every look-up; null for none.</summary>
    public Exception? Fault { get; set; }

    public long Version { get; set; } = 7;

    public FleetViewStatus Status { get; set; } = new(FleetViewState.Current, Created);

    public ConversationIds Ids => Fault is null ? KnownIds : throw Fault;

    public FleetEndpoints Endpoints { get; set; } = FleetEndpoints.None;

    public FleetOutline Outline => Fault is null
        ? new FleetOutline(Bots, [], [], null) { Tenants = ["acme", "other"], Models = [.. Models.Select(model => FindModel("acme", model)!)] }
        : throw Fault;

    /// <summary>The ids of all bots, for lists.</summary>
    public List<string> Bots { get; } = [];

    /// <summary>Bots on Discord, by id; all other bots are on Coze.</summary>
    public Dictionary<string, BotDefinition> DiscordBots { get; } = [];

    /// <summary>Discord listeners, by id.</summary>
    public Dictionary<string, ListenerDefinition> Listeners { get; } = [];

    /// <summary>The bots of each model. Default: <c>b</c>.</summary>
    public Dictionary<string, string[]> BotsOfModels { get; } = [];

    /// <summary>The tenants of each model. Default: all.</summary>
    public Dictionary<string, string[]> TenantsOfModels { get; } = [];

    /// <summary>Adds a bot on Discord, and makes it the only one of a model.</summary>
    public void AddDiscordBot(string id, string model, string guild, string[]? tenants = null, params (string Name, string Value)[] options)
    {
        Listeners[guild] = new ListenerDefinition { Id = guild, BaseUrl = "", Token = new Secret("") { Fingerprint = "" }, GuildId = guild };
        DiscordBots[id] = new BotDefinition
        {
            Id = id, Upstream = UpstreamNames.Discord, UpstreamBotId = "1", Accounts = ["a"],
            Options = options.Append(("listener", guild)).ToDictionary(option => option.Item1, option => option.Item2),
        };
        if (!Models.Contains(model)) Models.Add(model);
        BotsOfModels[model] = [.. BotsOfModels.GetValueOrDefault(model) ?? [], id];
        TenantsOfModels[model] = tenants ?? [];
    }

    /// <summary>Removes a key, and reports it to the gateway unless <paramref name="silently"/>.</summary>
    public void Revoke(string key, bool silently = false)
    {
        var hash = GrainKeys.ApiKeyHash(key);
        Keys.TryRemove(hash, out _);
        if (silently) return;
        foreach (var onChange in _subscriptions.Values) onChange(new FleetChange(++Version, [hash]));
    }

    public ApiKeyInfo? FindKey(string hash) => Fault is null ? Keys.GetValueOrDefault(hash) : throw Fault;

    /// <summary>The default model of every tenant.</summary>
    public string? DefaultModel { get; set; }

    /// <summary>The limits that the tenants of all keys have.</summary>
    public LimitsDefinition? TenantLimits { get; set; }

    public ApiKeyInfo? FindKeyByName(string tenantId, string keyName) =>
        Keys.Values.FirstOrDefault(key => key.TenantId == tenantId && key.Name == keyName);

    public IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId) =>
        [.. Keys.Values.Where(key => key.TenantId == tenantId).OrderBy(key => key.Name, StringComparer.Ordinal)];

    /// <summary>How many turns every tenant may have at the same time; null: any number.</summary>
    public int? MaxConcurrentTurns { get; set; }

    public TenantDefinition? FindTenant(string tenantId) =>
        new() { Id = tenantId, DefaultModel = DefaultModel, Limits = TenantLimits, MaxConcurrentTurns = MaxConcurrentTurns };

    /// <summary>The upstream of all bots that are no language models.</summary>
    public string BotUpstream { get; set; } = "coze";

    public BotDefinition? FindBot(string botId) => OtherBots.GetValueOrDefault(botId) ?? DiscordBots.GetValueOrDefault(botId)
        ?? new() { Id = botId, Upstream = botId == LanguageModel ? UpstreamNames.OpenAi : BotUpstream, UpstreamBotId = "1", Accounts = ["a"] };

    public AccountDefinition? FindAccount(string accountId) => new()
    {
        Id = accountId,
        Upstream = "coze",
        BaseUrl = "https://coze.example",
        CredentialFromRequest = accountId.StartsWith("own-", StringComparison.Ordinal),
    };

    public ListenerDefinition? FindListener(string listenerId) => Listeners.GetValueOrDefault(listenerId);

    public ModelDefinition? FindModel(string tenantId, string model) =>
        Models.Contains(model) || model is LanguageModel or StrictModel || OtherBots.ContainsKey(model)
            ? new ModelDefinition
            {
                Id = model, Bots = BotsOfModels.GetValueOrDefault(model) ?? [OtherBots.ContainsKey(model) ? model : "b"],
                Tenants = TenantsOfModels.GetValueOrDefault(model) ?? [], Fallback = model == LanguageModel ? [model] : [], CreatedAt = Created,
                RefusesTools = model == StrictModel, RefusesResponseFormat = model == StrictModel,
            }
            : null;

    /// <summary>Whether lists omit all models.</summary>
    public bool IsHidden { get; set; }

    public IReadOnlyList<ModelInfo> ListModels(string tenantId) => IsHidden ? [] : [.. Models.Select(model => new ModelInfo(model, Created))];

    public Task Refresh(CancellationToken cancellationToken = default) => throw new NotSupportedException();

    public IDisposable Subscribe(Action<FleetChange> onChange)
    {
        var subscription = new Subscription(this);
        _subscriptions[subscription] = onChange;
        return subscription;
    }

    private static BotDefinition Bot(string id, ModelTask task, params string[] accounts) =>
        new() { Id = id, Upstream = UpstreamNames.OpenAi, UpstreamBotId = "1", Accounts = accounts, Task = task };

    private sealed class Subscription(FakeFleet fleet) : IDisposable
    {
        public void Dispose() => fleet._subscriptions.TryRemove(this, out _);
    }
}
