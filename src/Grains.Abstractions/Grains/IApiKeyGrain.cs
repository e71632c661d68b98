using CozeCluster.Messages;

namespace CozeCluster;

/// <summary>One API key. Key: <see cref="GrainKeys.ApiKeyHash"/>.</summary>
public interface IApiKeyGrain : IGrain
{
    /// <summary>What the key opens; null if there is no such key.</summary>
    [Idempotent]
    Task<ApiKeyInfo?> Authenticate();
}
