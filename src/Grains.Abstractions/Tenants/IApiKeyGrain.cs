namespace CozeCluster;

/// <summary>One API key. Key: <see cref="GrainKeys.ApiKeyHash"/>.</summary>
[Alias("api-key")]
public interface IApiKeyGrain : IGrainWithStringKey
{
    /// <summary>Gets the tenant and the rights of the key; null if the fleet has no such key.</summary>
    [Alias("Authenticate"), Idempotent]
    Task<ApiKeyInfo?> Authenticate();
}

/// <summary>The tenant and the rights of an API key.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="Name">The key's name for people.</param>
/// <param name="Admin">Whether the key gives access to the admin API instead of the tenant's API.</param>
[GenerateSerializer, Immutable, Alias("api-key-info")]
public sealed record ApiKeyInfo(string TenantId, string Name, bool Admin);
