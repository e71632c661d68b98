using CozeCluster.Messages;

namespace CozeCluster.Grains;

/// <summary>Knows what one key opens.</summary>
public class ApiKeyGrain(IGrainContext context, TimeProvider time) : IApiKeyGrain
{
    private readonly Declared<ApiKeyInfo> _info =
        new(time, () => context.Grains.Get<ICatalogGrain>(GrainKeys.Catalog).FindKey(context.Key));

    /// <inheritdoc />
    public Task<ApiKeyInfo?> Authenticate() => _info.Get().AsTask();
}
