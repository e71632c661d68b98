using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains;

/// <summary>
/// One version of the fleet, by id. Immutable: a change copies the maps of the kinds that it changes. To copy a map takes microseconds for thousands of
/// entries, where a frozen map would take a hundred times longer to build, and is only a little faster to read.
/// </summary>
internal sealed class FleetIndex
{
    private Dictionary<string, ApiKeyInfo> _keys = [];
    private Dictionary<string, TenantDefinition> _tenants = [];
    private Dictionary<string, AccountDefinition> _accounts = [];
    private Dictionary<string, ListenerDefinition> _listeners = [];
    private Dictionary<string, BotDefinition> _bots = [];
    private Dictionary<string, ModelDefinition> _models = [];
    private FleetSettings _settings = new([]);
    private IReadOnlyList<ModelDefinition>? _orderedModels;
    private FleetOutline? _outline;
    private FleetEndpoints? _endpoints;
    private FleetModelNames? _modelNames;
    private Dictionary<(string, string), ApiKeyInfo>? _keyNames;
    private bool? _usesLoads;

    private FleetIndex(long version) => Version = version;

    /// <summary>A fleet without content, which no catalog has confirmed.</summary>
    public static FleetIndex Empty { get; } = new(0);

    public long Version { get; }

    /// <summary>See <see cref="IFleetView.Ids"/>; null before the first import.</summary>
    public ConversationIds? Ids { get; private init; }

    // Two threads may both create it. They create the same.
    public FleetOutline Outline => _outline ??= new FleetOutline(
        [.. _bots.Keys], [.. _accounts.Keys], [.. _listeners.Values.Select(listener => GrainKeys.DiscordSession(listener.Id, listener.HomeShard()))],
        _settings.Notifications)
    {
        Tenants = [.. _tenants.Keys],
        Models = OrderedModels,
        SealKey = _settings.SealKey,
        AnySecret = AnySecret,
    };

    /// <summary>Whether a model picks by the loads of bots.</summary>
    public bool UsesLoads => _usesLoads ??= _models.Values.Any(model => model.Routing == RoutingStrategy.LeastBusy);

    public FleetEndpoints Endpoints => _endpoints ??= new(_settings.Endpoints, _keys.Values.Any(key => key.Compat != CompatMode.None));

    private Secret? AnySecret =>
        _accounts.Values.Select(account => account.Token ?? account.Proxy ?? account.OAuth?.PrivateKey).FirstOrDefault(secret => secret is not null)
        ?? _listeners.Values.FirstOrDefault()?.Token ?? _settings.Notifications?.Webhook?.Url ?? _settings.Notifications?.Telegram?.Token;

    private FleetModelNames ModelNames => _modelNames ??= new FleetModelNames(OrderedModels, _bots);

    /// <summary>The models in the fleet's order.</summary>
    public IReadOnlyList<ModelDefinition> OrderedModels =>
        _orderedModels ??= [.. _settings.Models.Select(id => _models.GetValueOrDefault(id)).OfType<ModelDefinition>()];

    /// <summary>The settings of the fleet.</summary>
    public FleetSettings Settings => _settings;

    /// <summary>Finds a key by its hash. A key whose tenant is not in the fleet is no key.</summary>
    public ApiKeyInfo? FindKey(string hash) => _keys.GetValueOrDefault(hash) is { } key && _tenants.ContainsKey(key.TenantId) ? key : null;

    public ApiKeyInfo? FindKeyByName(string tenantId, string keyName) => (_keyNames ??= IndexKeyNames()).GetValueOrDefault((tenantId, keyName));

    public IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId) =>
        [.. _keys.Values.Where(key => key.TenantId == tenantId && !key.IsPrevious).OrderBy(key => key.Name, StringComparer.Ordinal)];

    public TenantDefinition? FindTenant(string id) => _tenants.GetValueOrDefault(id);

    public AccountDefinition? FindAccount(string id) => _accounts.GetValueOrDefault(id);

    public ListenerDefinition? FindListener(string id) => _listeners.GetValueOrDefault(id);

    public BotDefinition? FindBot(string id) => _bots.GetValueOrDefault(id);

    public ModelDefinition? FindModel(string tenantId, string model)
    {
        if (FindOffered(tenantId, model) is { } found) return found;
        var aliases = _tenants.GetValueOrDefault(tenantId)?.Aliases ?? [];
        return FindOffered(tenantId, aliases.FirstOrDefault(alias => alias.Name == model)?.Model)
            ?? ModelNames.FindBot(tenantId, model)
            ?? FindOffered(tenantId, aliases.FirstOrDefault(alias => alias.IsPattern && alias.Matches(model))?.Model);
    }

    /// <summary>Finds a model by its id alone.</summary>
    public ModelDefinition? FindOwnModel(string id) => _models.GetValueOrDefault(id);

    public IReadOnlyList<ModelInfo> ListModels(string tenantId)
    {
        var models = OrderedModels.Where(model => model.IsOfferedTo(tenantId) && !model.Hidden).Select(model => new ModelInfo(model.Id, model.CreatedAt));
        var aliases = from alias in _tenants.GetValueOrDefault(tenantId)?.Aliases ?? []
                      where !alias.IsPattern
                      let model = FindOffered(tenantId, alias.Model)
                      where model is not null
                      select new ModelInfo(alias.Name, model.CreatedAt);
        return [.. models, .. aliases];
    }

    /// <summary>The fleet after a change.</summary>
    /// <param name="version">Its version.</param>
    /// <param name="isFull">Whether the rows are the whole fleet.</param>
    /// <param name="rows">The rows that have changed. A row of a kind that this build does not know is ignored.</param>
    /// <param name="onDamaged">Receives rows that cannot be read. What they describe is not in the fleet.</param>
    public FleetIndex With(long version, bool isFull, IReadOnlyList<FleetRow> rows, Action<FleetRow, JsonException> onDamaged)
    {
        var from = isFull ? Empty : this;
        var byKind = rows.ToLookup(row => row.Kind);
        return new FleetIndex(version)
        {
            Ids = ReadKey(byKind[FleetRowKind.ConversationKey].LastOrDefault()) ?? from.Ids,
            _keys = Change(from._keys, FleetRowKind.Key, MessagesJson.Default.ApiKeyInfo),
            _tenants = Change(from._tenants, FleetRowKind.Tenant, MessagesJson.Default.TenantDefinition),
            _accounts = Change(from._accounts, FleetRowKind.Account, MessagesJson.Default.AccountDefinition),
            _listeners = Change(from._listeners, FleetRowKind.Listener, MessagesJson.Default.ListenerDefinition),
            _bots = Change(from._bots, FleetRowKind.Bot, MessagesJson.Default.BotDefinition),
            _models = Change(from._models, FleetRowKind.Model, MessagesJson.Default.ModelDefinition),
            _settings = Change(new() { [FleetSettings.Id] = from._settings }, FleetRowKind.Settings, StateJson.Default.FleetSettings)
                .GetValueOrDefault(FleetSettings.Id, Empty._settings),
        };

        ConversationIds? ReadKey(FleetRow? row)
        {
            if (row?.Payload is { Length: ConversationIds.KeyBytes } key) return new ConversationIds(key);
            if (row is not null) onDamaged(row, new JsonException("The key has another length."));
            return null;
        }

        Dictionary<string, T> Change<T>(Dictionary<string, T> known, FleetRowKind kind, JsonTypeInfo<T> json)
        {
            if (!byKind.Contains(kind)) return known;
            var changed = new Dictionary<string, T>(known);
            foreach (var row in byKind[kind])
            {
                changed.Remove(row.Id);
                if (row.Payload is null) continue;
                try
                {
                    changed[row.Id] = FleetRows.Read(row.Payload, json);
                }
                catch (JsonException exception)
                {
                    onDamaged(row, exception);
                }
            }
            return changed;
        }
    }

    /// <summary>The hashes of keys that an earlier version had, and that this one does not have or gives other rights.</summary>
    public IReadOnlyList<string> FindRevokedKeys(FleetIndex before) =>
        ReferenceEquals(before._keys, _keys) && ReferenceEquals(before._tenants, _tenants)
            ? []
            : [.. before._keys.Where(key => !HasSameRights(key.Value, FindKey(key.Key))).Select(key => key.Key)];

    /// <summary>Whether an owner has a key that is valid at a time.</summary>
    public bool HasOwner(DateTimeOffset now) => _keys.Any(key => key.Value is { Admin: true, IsPrevious: false } && IsOwner(key.Key, now));

    /// <summary>Whether the key with a hash is that of an owner, and valid at a time.</summary>
    public bool IsOwner(string hash, DateTimeOffset now) =>
        FindKey(hash) is { Admin: true, Role: null or AdminRole.Owner, Disabled: false } key && !(key.ExpiresAt <= now);

    /// <summary>The whole fleet, ordered by id; its models in the fleet's order.</summary>
    public Fleet ToFleet()
    {
        var keys = _keys.ToLookup(key => key.Value.TenantId);
        return new Fleet(
            "",
            [.. Ordered(_tenants).Select(tenant => tenant with { Keys = [.. FleetKeys.ToDefinitions(keys[tenant.Id])] })],
            Ordered(_accounts),
            Ordered(_bots),
            OrderedModels)
        {
            Listeners = Ordered(_listeners),
            Notifications = _settings.Notifications,
            Endpoints = _settings.Endpoints,
            SealKey = _settings.SealKey,
        };

        static IReadOnlyList<T> Ordered<T>(Dictionary<string, T> things) =>
            [.. things.OrderBy(thing => thing.Key, StringComparer.Ordinal).Select(thing => thing.Value)];
    }

    private static bool HasSameRights(ApiKeyInfo before, ApiKeyInfo? after) =>
        after is not null && after.TenantId == before.TenantId && after.Role == before.Role && (before.Disabled || !after.Disabled);

    // While the secret of a key is replaced, both are in the fleet.
    private Dictionary<(string, string), ApiKeyInfo> IndexKeyNames()
    {
        var names = new Dictionary<(string, string), ApiKeyInfo>();
        foreach (var key in _keys.Values)
        {
            // The one that is valid for longer.
            if (!names.TryGetValue((key.TenantId, key.Name), out var other) || other.Disabled || other.ExpiresAt < (key.ExpiresAt ?? DateTimeOffset.MaxValue))
                names[(key.TenantId, key.Name)] = key;
        }
        return names;
    }

    private ModelDefinition? FindOffered(string tenantId, string? model) =>
        model is not null && _models.GetValueOrDefault(model) is { } found && found.IsOfferedTo(tenantId) ? found : null;
}
