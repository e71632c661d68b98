using CozeCluster.Gateway.Http;

namespace CozeCluster.Gateway.Models;

/// <summary>The models offered to tenants, as the catalog had them within the last second.</summary>
internal sealed class ModelDirectory(IGrainFactory grains, TimeProvider time)
{
    private readonly ShortCache<(string Tenant, string Model), ModelDefinition?> _known = new(time);

    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    public async ValueTask<ModelDefinition> Find(string tenantId, string model, string? param = null)
    {
        if (!_known.TryGet((tenantId, model), out var definition))
        {
            definition = await Catalog.FindModel(tenantId, model);
            _known.Set((tenantId, model), definition);
        }
        return definition ?? throw new ClusterException(ErrorCode.ModelNotFound, $"The model '{model}' does not exist or you do not have access to it.", param);
    }

    public Task<IReadOnlyList<ModelInfo>> List(string tenantId) => Catalog.ListModels(tenantId);

    private ICatalogGrain Catalog => grains.Grain<ICatalogGrain>(GrainKeys.Catalog);
}
