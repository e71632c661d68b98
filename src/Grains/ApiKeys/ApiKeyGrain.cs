using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Knows what one key opens.</summary>
[GrainType("api-key"), ActivationCountBasedPlacement]
public sealed class ApiKeyGrain : Grain, IApiKeyGrain
{
    private readonly Declared<ApiKeyInfo> _info;

    /// <summary>Made by Orleans.</summary>
    public ApiKeyGrain(TimeProvider time) =>
        _info = new(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindKey(this.GetPrimaryKeyString()));

    /// <inheritdoc />
    public Task<ApiKeyInfo?> Authenticate() => _info.Get().AsTask();
}
