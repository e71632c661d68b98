using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>What operators declared, for the whole cluster. Key: <see cref="GrainKeys.Catalog"/>.</summary>
[Alias("catalog")]
public interface ICatalogGrain : IGrainWithStringKey
{
    /// <summary>Takes over a fleet; others hear of it within about a second. A version that is already in force changes nothing.</summary>
    [Alias("Import"), Idempotent]
    Task Import(Fleet fleet);

    /// <summary>The key of that hash.</summary>
    [Alias("FindKey"), AlwaysInterleave, Idempotent]
    Task<ApiKeyInfo?> FindKey(string hash);

    /// <summary>The tenant of that id.</summary>
    [Alias("FindTenant"), AlwaysInterleave, Idempotent]
    Task<TenantDefinition?> FindTenant(string tenantId);

    /// <summary>The bot of that id.</summary>
    [Alias("FindBot"), AlwaysInterleave, Idempotent]
    Task<BotDefinition?> FindBot(string botId);

    /// <summary>The account of that id.</summary>
    [Alias("FindAccount"), AlwaysInterleave, Idempotent]
    Task<AccountDefinition?> FindAccount(string accountId);

    /// <summary>The listener of that id.</summary>
    [Alias("FindListener"), AlwaysInterleave, Idempotent]
    Task<ListenerDefinition?> FindListener(string listenerId);

    /// <summary>The model of that name, if it is offered to the tenant.</summary>
    [Alias("FindModel"), AlwaysInterleave, Idempotent]
    Task<ModelDefinition?> FindModel(string tenantId, string model);

    /// <summary>The bots of a model that is offered to a tenant, in the order of its pool; null if it is not.</summary>
    [Alias("FindPool"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<PooledBot>?> FindPool(string tenantId, string model);

    /// <summary>What is in the fleet.</summary>
    [Alias("Outline"), AlwaysInterleave, Idempotent]
    Task<FleetOutline> Outline();

    /// <summary>All models offered to the tenant, in the fleet's order.</summary>
    [Alias("ListModels"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<ModelInfo>> ListModels(string tenantId);
}
