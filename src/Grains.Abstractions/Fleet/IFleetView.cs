namespace CozeCluster;

/// <summary>
/// The fleet as this process knows it. Every process (silo or gateway) keeps one, so that keys, tenants, models, bots and accounts are found without a grain
/// call. A change of the fleet arrives within about a second. The methods never wait, and throw <see cref="ErrorCode.CallRejected"/> if the view was never
/// loaded or is older than <c>fleet_stale_max</c>. Thread-safe.
/// </summary>
public interface IFleetView
{
    /// <summary>The version of the fleet that this process uses; 0 before the first load.</summary>
    long Version { get; }

    /// <summary>Finds an API key by its hash; null if the fleet has no such key.</summary>
    ApiKeyInfo? FindKey(string hash);

    /// <summary>Finds a tenant by its id; null if the fleet has none.</summary>
    TenantDefinition? FindTenant(string tenantId);

    /// <summary>Finds a bot by its id; null if the fleet has none.</summary>
    BotDefinition? FindBot(string botId);

    /// <summary>Finds an account by its id; null if the fleet has none.</summary>
    AccountDefinition? FindAccount(string accountId);

    /// <summary>Finds a listener by its id; null if the fleet has none.</summary>
    ListenerDefinition? FindListener(string listenerId);

    /// <summary>Finds a model by its name; null if there is none that the tenant may use.</summary>
    ModelDefinition? FindModel(string tenantId, string model);

    /// <summary>Lists the models that a tenant may use, in the fleet's order.</summary>
    IReadOnlyList<ModelInfo> ListModels(string tenantId);

    /// <summary>The ids of everything in the fleet.</summary>
    FleetOutline Outline { get; }

    /// <summary>Calls <paramref name="onChange"/> after every change, on an arbitrary thread, until the result is disposed.</summary>
    IDisposable Subscribe(Action<FleetChange> onChange);
}

/// <summary>What a change of the fleet removed or replaced.</summary>
/// <param name="Version">The version of the fleet after the change.</param>
/// <param name="RevokedKeys">The hashes of keys that do not exist any more, or that lost their rights.</param>
public sealed record FleetChange(long Version, IReadOnlyList<string> RevokedKeys);
