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

    private readonly ConcurrentDictionary<object, Action<FleetChange>> _subscriptions = new();

    public ConcurrentDictionary<string, ApiKeyInfo> Keys { get; } = new(
    [
        new(GrainKeys.ApiKeyHash("sk-test"), new ApiKeyInfo("acme", "test", false)),
        new(GrainKeys.ApiKeyHash("sk-other"), new ApiKeyInfo("other", "other", false)),
        new(GrainKeys.ApiKeyHash("sk-admin"), new ApiKeyInfo("acme", "admin", true)),
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

    public FleetOutline Outline => Fault is null ? new FleetOutline([], [], [], null) : throw Fault;

    /// <summary>Removes a key, and reports it to the gateway unless <paramref name="silently"/>.</summary>
    public void Revoke(string key, bool silently = false)
    {
        var hash = GrainKeys.ApiKeyHash(key);
        Keys.TryRemove(hash, out _);
        if (silently) return;
        foreach (var onChange in _subscriptions.Values) onChange(new FleetChange(++Version, [hash]));
    }

    public ApiKeyInfo? FindKey(string hash) => Fault is null ? Keys.GetValueOrDefault(hash) : throw Fault;

    public TenantDefinition? FindTenant(string tenantId) => throw new NotSupportedException();

    public BotDefinition? FindBot(string botId) => OtherBots.GetValueOrDefault(botId)
        ?? new() { Id = botId, Upstream = botId == LanguageModel ? UpstreamNames.OpenAi : "coze", UpstreamBotId = "1", Accounts = ["a"] };

    public AccountDefinition? FindAccount(string accountId) => new()
    {
        Id = accountId,
        Upstream = "coze",
        BaseUrl = "https://coze.example",
        CredentialFromRequest = accountId.StartsWith("own-", StringComparison.Ordinal),
    };

    public ListenerDefinition? FindListener(string listenerId) => throw new NotSupportedException();

    public ModelDefinition? FindModel(string tenantId, string model) =>
        Models.Contains(model) || model == LanguageModel || OtherBots.ContainsKey(model)
            ? new ModelDefinition
            {
                Id = model, Bots = [OtherBots.ContainsKey(model) ? model : "b"], Fallback = model == LanguageModel ? [model] : [], CreatedAt = Created,
            }
            : null;

    public IReadOnlyList<ModelInfo> ListModels(string tenantId) => [.. Models.Select(model => new ModelInfo(model, Created))];

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
