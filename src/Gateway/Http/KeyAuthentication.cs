using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>Requires a tenant's key on every <see cref="TenantRoute"/> and an admin key on every <see cref="AdminRoute"/>.</summary>
internal sealed class KeyAuthentication(RequestDelegate next, ApiKeys keys)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata is not { } metadata) return next(context);
        if (metadata.GetMetadata<TenantRoute>() is not null) keys.Authenticate(context, ApiKeys.Read(context.Request));
        else if (metadata.GetMetadata<AdminRoute>() is { ForBrowsers: var forBrowsers })
            keys.Authenticate(context, ApiKeys.Read(context.Request, forBrowsers), admin: true, forBrowsers);
        return next(context);
    }
}
