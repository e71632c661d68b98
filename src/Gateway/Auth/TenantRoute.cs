namespace CozeCluster.Gateway.Auth;

/// <summary>Marks routes that a tenant's API key opens.</summary>
internal sealed class TenantRoute
{
    public static TenantRoute Instance { get; } = new();
}
