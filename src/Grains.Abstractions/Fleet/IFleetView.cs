namespace CozeCluster;

/// <summary>
/// The fleet as this process knows it. Every process (silo or gateway) keeps one, so that keys, tenants, models, bots and accounts are found without a grain
/// call. A change of the fleet arrives within about a second. The methods never wait, and throw <see cref="ErrorCode.CallRejected"/> if the view was never
/// loaded, or if the catalog has not confirmed it for longer than <c>fleet_stale_max</c>. Thread-safe.
/// </summary>
public interface IFleetView
{
    /// <summary>The version of the fleet that this process uses; 0 before the first load.</summary>
    long Version { get; }

    /// <summary>How current the view is. Never throws.</summary>
    FleetViewStatus Status { get; }

    /// <summary>
    /// Makes and checks the ids of conversations and turns. Also throws <see cref="ErrorCode.CallRejected"/> as long as no fleet has been applied to the
    /// cluster.
    /// </summary>
    ConversationIds Ids { get; }

    /// <summary>
    /// Finds an API key by its hash; null if the fleet has no such key. Also throws <see cref="ErrorCode.CallRejected"/> as long as no fleet has been
    /// applied to the cluster.
    /// </summary>
    ApiKeyInfo? FindKey(string hash);

    /// <summary>
    /// Finds an API key by its tenant and its name; null if there is none. During the overlap of a rotation, a name has two secrets;
    /// this finds the one that stays valid longer.
    /// </summary>
    ApiKeyInfo? FindKeyByName(string tenantId, string keyName);

    /// <summary>Lists the API keys of a tenant, ordered by name (ordinal).</summary>
    IReadOnlyList<ApiKeyInfo> ListKeys(string tenantId);

    /// <summary>Finds a tenant by its id, without its keys; null if the fleet has none.</summary>
    TenantDefinition? FindTenant(string tenantId);

    /// <summary>Finds a bot by its id; null if the fleet has none.</summary>
    BotDefinition? FindBot(string botId);

    /// <summary>Finds an account by its id; null if the fleet has none.</summary>
    AccountDefinition? FindAccount(string accountId);

    /// <summary>Finds a listener by its id; null if the fleet has none.</summary>
    ListenerDefinition? FindListener(string listenerId);

    /// <summary>
    /// Finds a model by the name that a client sent: the id of a model, an alias of the tenant, or the id of a bot (in the fleet or at its upstream) that is
    /// behind one of the tenant's models; null if there is none that the tenant may use. <see cref="ModelDefinition.Id"/> is what everything after the request
    /// calls it, and finds the same model again.
    /// </summary>
    ModelDefinition? FindModel(string tenantId, string model);

    /// <summary>Lists the models that a tenant may use, in the fleet's order, and then its aliases without <c>*</c>.</summary>
    IReadOnlyList<ModelInfo> ListModels(string tenantId);

    /// <summary>The addresses that answer as older systems do, and whether any key does so. Never throws: empty before the first load.</summary>
    FleetEndpoints Endpoints { get; }

    /// <summary>The ids of everything in the fleet.</summary>
    FleetOutline Outline { get; }

    /// <summary>Asks the catalog for changes at once, and uses them. For code that was notified of a change and must not miss it.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: the catalog does not answer.</exception>
    Task Refresh(CancellationToken cancellationToken = default);

    /// <summary>Calls <paramref name="onChange"/> after every change, on an arbitrary thread, until the result is disposed.</summary>
    IDisposable Subscribe(Action<FleetChange> onChange);
}

/// <summary>What a change of the fleet removed or replaced.</summary>
/// <param name="Version">The version of the fleet after the change.</param>
/// <param name="RevokedKeys">The hashes of keys that do not exist any more, or that lost their rights.</param>
public sealed record FleetChange(long Version, IReadOnlyList<string> RevokedKeys);

/// <summary>How current the view of a process is.</summary>
/// <param name="State">The state.</param>
/// <param name="ConfirmedAt">When the catalog last confirmed that the view is current; null if it never did.</param>
public sealed record FleetViewStatus(FleetViewState State, DateTimeOffset? ConfirmedAt);

/// <summary>The states of a view.</summary>
public enum FleetViewState
{
    /// <summary>The first load is under way.</summary>
    Loading,

    /// <summary>The catalog confirms the view every second.</summary>
    Current,

    /// <summary>The catalog does not answer. The view is used as it is.</summary>
    Degraded,

    /// <summary>The catalog has not answered for longer than <c>fleet_stale_max</c>. The view refuses to answer.</summary>
    Stale,
}

/// <summary>A model as lists show it.</summary>
public sealed record ModelInfo(string Id, DateTimeOffset CreatedAt);
