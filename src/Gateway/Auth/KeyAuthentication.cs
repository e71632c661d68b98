using System.Text;
using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Auth;

/// <summary>Lets nobody onto a <see cref="TenantRoute"/> without a tenant's key, or onto an <see cref="AdminRoute"/> without an admin's. The key itself is forgotten at once: only its hash goes on.</summary>
internal sealed class KeyAuthentication(RequestDelegate next, IGrainFactory grains, Readiness readiness, TimeProvider time)
{
    private const string Scheme = "Bearer ";
    private const string Basic = "Basic ";
    private readonly ShortCache<string, ApiKeyInfo?> _known = new(time);

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata is not { } route) return next(context);
        if (route.GetMetadata<TenantRoute>() is not null) return Authenticate(context, forAdmins: false, forBrowsers: false);
        return route.GetMetadata<AdminRoute>() is { } admin && !admin.IsOpenTo(context) ? Authenticate(context, forAdmins: true, admin.ForBrowsers) : next(context);
    }

    private async Task Authenticate(HttpContext context, bool forAdmins, bool forBrowsers)
    {
        var presented = Presented(context.Request, forBrowsers);
        if (presented.IsEmpty)
        {
            throw new ClusterException(
                ErrorCode.InvalidApiKey, "No API key was given. Send it in an Authorization header: Authorization: Bearer YOUR_KEY.");
        }
        var hash = GrainKeys.ApiKeyHash(presented);
        if (!_known.TryGet(hash, out var key))
        {
            readiness.ThrowIfNotConnected();
            key = await grains.Grain<IApiKeyGrain>(hash).Authenticate();
            _known.Set(hash, key);
        }
        // A browser asks for another key only if this one is no good.
        if (key is null || (forBrowsers && !key.Admin)) throw new ClusterException(ErrorCode.InvalidApiKey, "The API key is not valid.");
        if (key.Admin != forAdmins)
        {
            throw new ClusterException(
                ErrorCode.PermissionDenied, forAdmins ? "This needs an admin key." : "This is an admin key. It opens the admin API, not a tenant's.");
        }
        Call.Of(context).Key = key;
        await next(context);
    }

    private static ReadOnlySpan<char> Presented(HttpRequest request, bool forBrowsers)
    {
        var authorization = request.Headers.Authorization.ToString().AsSpan().Trim();
        if (forBrowsers && authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return Password(authorization[Basic.Length..].Trim());
        if (authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase)) return authorization[Scheme.Length..].Trim();
        var other = request.Headers["x-api-key"].ToString();
        return (other.Length > 0 ? other : request.Headers["api-key"].ToString()).AsSpan().Trim();
    }

    // RFC 7617: the Base64 of user, colon and password.
    private static ReadOnlySpan<char> Password(ReadOnlySpan<char> credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64Chars(credentials, bytes, out var length)) return [];
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        return pair.AsSpan(pair.IndexOf(':') + 1);
    }
}
