using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Caches the tenant and the rights of one API key.</summary>
[GrainType("api-key"), ActivationCountBasedPlacement]
public sealed class ApiKeyGrain : Grain, IApiKeyGrain
{
    private readonly CachedDefinition<ApiKeyInfo> _info;

    /// <summary>Called by Orleans.</summary>
    public ApiKeyGrain(TimeProvider time) =>
        _info = new(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindKey(this.GetPrimaryKeyString()));

    /// <inheritdoc />
    public Task<ApiKeyInfo?> Authenticate() => _info.Get().AsTask();
}
