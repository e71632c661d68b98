using CozeCluster.Gateway.Surfaces.Admin;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Requires a tenant's key on every <see cref="TenantRoute"/>, and on every <see cref="AdminRoute"/> an admin key whose role it allows. A route of the admin
/// API that is not an admin route is open to nobody.
/// </summary>
internal sealed class KeyAuthentication(RequestDelegate next, ApiKeys keys, RefusedRequests refused)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint() is not { } endpoint) return next(context);
        if (endpoint.Metadata.GetMetadata<TenantRoute>() is not null) keys.Authenticate(context, ApiKeys.Read(context.Request));
        else if (endpoint.Metadata.GetMetadata<AdminRoute>() is { } route) return InvokeAdmin(context, route);
        else if (endpoint is RouteEndpoint { RoutePattern.RawText: { } pattern } && AdminApi.Contains(pattern))
            throw new ClusterException(ErrorCode.PermissionDenied, "This route allows no role.");
        return next(context);
    }

    private async Task InvokeAdmin(HttpContext context, AdminRoute route)
    {
        try
        {
            keys.Authenticate(context, ApiKeys.Read(context.Request, route.ForBrowsers), route);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.PermissionDenied)
        {
            await refused.Record(context);
            throw;
        }
        await next(context);
    }
}
