using System.Text;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Requires a tenant's key on every <see cref="TenantRoute"/> and an admin key on every <see cref="AdminRoute"/>. The key itself is not kept: everything
/// else uses its hash. A wrong key costs a hash and a look into the fleet's view, and calls no grain; <see cref="WrongKeys"/> limits them.
/// </summary>
internal sealed class KeyAuthentication(RequestDelegate next, IFleetView fleet, Readiness readiness, WrongKeys wrongKeys, TimeProvider time)
{
    private const string Bearer = "Bearer ";
    private const string Basic = "Basic ";

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata is not { } metadata) return next(context);
        if (metadata.GetMetadata<TenantRoute>() is not null) return Authenticate(context, admin: false, forBrowsers: false);
        return metadata.GetMetadata<AdminRoute>() is { } route
            ? Authenticate(context, admin: true, route.ForBrowsers)
            : next(context);
    }

    private Task Authenticate(HttpContext context, bool admin, bool forBrowsers)
    {
        var given = ReadKey(context.Request, forBrowsers);
        if (given.IsEmpty)
        {
            throw new ClusterException(
                ErrorCode.InvalidApiKey, "The request has no API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY.");
        }
        var hash = GrainKeys.ApiKeyHash(given);
        readiness.ThrowIfNotConnected();
        var key = fleet.FindKey(hash);
        if (key is null && wrongKeys.Add(context.Connection.RemoteIpAddress) is { } until)
        {
            throw new ClusterException(
                ErrorCode.RateLimited, "Too many wrong API keys came from this address. Check the key, and retry later. Valid keys are accepted.",
                until: until);
        }
        // A browser asks its user for another key only after a 401, so it gets no 403 for a tenant's key.
        if (key is null || (forBrowsers && !key.Admin)) throw new ClusterException(ErrorCode.InvalidApiKey, "The API key is not valid. Send a valid key.");
        KeyRules.Require(key, context.Connection.RemoteIpAddress, time.GetUtcNow());
        if (key.Admin != admin)
        {
            throw new ClusterException(
                ErrorCode.PermissionDenied,
                admin ? "This route requires an admin key." : "This is an admin key, which is valid for the admin API only. Send the API key of a tenant.");
        }
        var requestKey = new RequestKey(hash, key.TenantId, key.Name, key.ErrorText)
        {
            Models = key.Models,
            IsLimited = !admin && fleet.HasLimits(key.TenantId, key.Name),
        };
        RequestInfo.Of(context).Key = requestKey;
        if (requestKey.IsLimited) RateHeaders.AddTo(context.Response, requestKey);
        return next(context);
    }

    private static ReadOnlySpan<char> ReadKey(HttpRequest request, bool forBrowsers)
    {
        var authorization = request.Headers.Authorization.ToString().AsSpan().Trim();
        if (forBrowsers && authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)) return ReadPassword(authorization[Basic.Length..].Trim());
        if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return authorization[Bearer.Length..].Trim();
        // Some clients send the key without a scheme.
        if (!authorization.IsEmpty && !authorization.Contains(' ')) return authorization;
        var xApiKey = request.Headers["x-api-key"].ToString();
        return (xApiKey.Length > 0 ? xApiKey : request.Headers["api-key"].ToString()).AsSpan().Trim();
    }

    // RFC 7617: the Base64 of user, colon and password.
    private static ReadOnlySpan<char> ReadPassword(ReadOnlySpan<char> credentials)
    {
        var bytes = new byte[credentials.Length];
        if (!Convert.TryFromBase64Chars(credentials, bytes, out var length)) return [];
        var pair = Encoding.UTF8.GetString(bytes, 0, length);
        return pair.AsSpan(pair.IndexOf(':') + 1);
    }
}
