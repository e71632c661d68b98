namespace CozeCluster;

/// <summary>One API key. Key: <see cref="GrainKeys.ApiKeyHash"/>.</summary>
[Alias("api-key")]
public interface IApiKeyGrain : IGrainWithStringKey
{
    /// <summary>What the key opens; null if there is no such key.</summary>
    [Alias("Authenticate"), Idempotent]
    Task<ApiKeyInfo?> Authenticate();
}
