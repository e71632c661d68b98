using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>The fleet of the whole cluster. Key: <see cref="GrainKeys.Catalog"/>.</summary>
[Alias("catalog")]
public interface ICatalogGrain : IGrainWithStringKey
{
    /// <summary>Applies a fleet. Other grains use it within about a second. A fleet whose version is already applied changes nothing.</summary>
    [Alias("Import"), Idempotent]
    Task Import(Fleet fleet);

    /// <summary>Finds an API key by its hash.</summary>
    [Alias("FindKey"), AlwaysInterleave, Idempotent]
    Task<ApiKeyInfo?> FindKey(string hash);

    /// <summary>Finds a tenant by its id.</summary>
    [Alias("FindTenant"), AlwaysInterleave, Idempotent]
    Task<TenantDefinition?> FindTenant(string tenantId);

    /// <summary>Finds a bot by its id.</summary>
    [Alias("FindBot"), AlwaysInterleave, Idempotent]
    Task<BotDefinition?> FindBot(string botId);

    /// <summary>Finds an account by its id.</summary>
    [Alias("FindAccount"), AlwaysInterleave, Idempotent]
    Task<AccountDefinition?> FindAccount(string accountId);

    /// <summary>Finds a listener by its id.</summary>
    [Alias("FindListener"), AlwaysInterleave, Idempotent]
    Task<ListenerDefinition?> FindListener(string listenerId);

    /// <summary>Finds a model by its name, if the tenant may use it.</summary>
    [Alias("FindModel"), AlwaysInterleave, Idempotent]
    Task<ModelDefinition?> FindModel(string tenantId, string model);

    /// <summary>Gets the bots of a model in round-robin order; null if the tenant may not use the model.</summary>
    [Alias("FindPool"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<PooledBot>?> FindPool(string tenantId, string model);

    /// <summary>Gets the ids of everything in the fleet.</summary>
    [Alias("Outline"), AlwaysInterleave, Idempotent]
    Task<FleetOutline> Outline();

    /// <summary>Lists all models that the tenant may use, in the fleet's order.</summary>
    [Alias("ListModels"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<ModelInfo>> ListModels(string tenantId);
}

/// <summary>A model as lists show it.</summary>
[GenerateSerializer, Immutable, Alias("model-info")]
public sealed record ModelInfo(string Id, DateTimeOffset CreatedAt);
