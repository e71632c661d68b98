using System.Text;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Surfaces.Health;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Http;

/// <summary>
/// Authenticates requests by their API keys. The key itself is not kept: everything else uses its hash. A wrong key costs a hash and a look into the fleet's
/// view, and calls no grain; <see cref="WrongKeys"/> limits them.
/// </summary>
internal sealed class ApiKeys(IFleetView fleet, Readiness readiness, WrongKeys wrongKeys, TimeProvider time)
{
    private const string Bearer = "Bearer ";
    private const string Basic = "Basic ";

    /// <summary>Authenticates a request. Afterwards <see cref="RequestInfo.Key"/> is set.</summary>
    /// <param name="context">The request.</param>
    /// <param name="given">The API key that the client has sent; empty if it has sent none.</param>
    /// <param name="admin">The route, if it requires an admin key; null if it requires the key of a tenant.</param>
    /// <param name="allowAnonymous">Whether an endpoint that has <see cref="EndpointDefinition.Anonymous"/> accepts a key that is not known.</param>
    /// <exception cref="ClusterException">
    /// The key is missing, not valid or of the other kind, or its role is not enough, or the address has sent too many wrong keys.
    /// </exception>
    public void Authenticate(HttpContext context, ReadOnlySpan<char> given, AdminRoute? admin = null, bool allowAnonymous = true)
    {
        var anonymous = admin is not null || !allowAnonymous ? null : CompatRequest.Of(context)?.Endpoint?.Anonymous;
        if (given.IsEmpty && anonymous is null)
        {
            throw new ClusterException(
                ErrorCode.InvalidApiKey, "The request has no API key. Send it in an Authorization header: Authorization: Bearer YOUR_KEY.");
        }
        readiness.ThrowIfNotConnected();
        var hash = given.IsEmpty ? "" : GrainKeys.ApiKeyHash(given);
        var key = given.IsEmpty ? null : fleet.FindKey(hash);
        if (key is null && anonymous is not null)
        {
            Accept(context, RequestKey.Anonymous(anonymous) with { IsLimited = fleet.HasLimits(anonymous, null) });
            return;
        }
        if (key is null && wrongKeys.Add(context.Connection.RemoteIpAddress) is { } until)
        {
            throw new ClusterException(
                ErrorCode.RateLimited, "Too many wrong API keys came from this address. Check the key, and retry later. Valid keys are accepted.",
                until: until);
        }
        // A browser asks its user for another key only after a 401, so it gets no 403 for a key without the right.
        if (key is null || (admin is { ForBrowsers: true } && !(key.Role is { } has && admin.Allows(has))))
            throw ApiKeyInfo.Unknown.ToException();
        KeyRules.Require(key, context.Connection.RemoteIpAddress, time.GetUtcNow());
        if (Refusal(key, admin) is { } refusal) throw new ClusterException(ErrorCode.PermissionDenied, refusal);
        Accept(context, new RequestKey(hash, key.TenantId, key.Name, key.ErrorText)
        {
            Models = key.Models,
            Role = key.Role,
            IsLimited = admin is null && fleet.HasLimits(key.TenantId, key.Name),
            ShowBot = key.ShowBot,
        });
    }

    private static string? Refusal(ApiKeyInfo key, AdminRoute? admin) => (key.Role, admin) switch
    {
        (null, null) => null,
        (null, _) => "This route requires an admin key.",
        (_, null) => ApiKeyInfo.AdminOnly.Message,
        ({ } role, _) when admin.Allows(role) => null,
        ({ } role, _) => $"Admin keys with the role {WireName.Of(role)} may not do this. It requires the role {WireName.Of(admin.MinimumRole)}"
            + (admin.MinimumRole == AdminRole.Owner ? "." : " or a higher one."),
    };

    /// <summary>The key of a long connection with the rights that it has at this time.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="key">The key, which is not that of anonymous requests.</param>
    /// <exception cref="ClusterException">The key was revoked, has expired, or may not come from this address.</exception>
    public RequestKey Renew(HttpContext context, RequestKey key)
    {
        if (fleet.FindKey(key.Hash) is not { Admin: false } known || known.TenantId != key.TenantId)
            throw new ClusterException(ErrorCode.InvalidApiKey, "The API key was revoked. Send a valid key.");
        KeyRules.Require(known, context.Connection.RemoteIpAddress, time.GetUtcNow());
        return key with { Models = known.Models, IsLimited = fleet.HasLimits(known.TenantId, known.Name) };
    }

    private static void Accept(HttpContext context, RequestKey key)
    {
        RequestInfo.Of(context).Key = key;
        if (key.IsLimited) RateHeaders.AddTo(context.Response, key);
        if (key.ShowBot) BotHeaders.AddTo(context.Response, key);
    }

    /// <summary>The API key in the headers of a request; empty if there is none.</summary>
    /// <param name="request">The request.</param>
    /// <param name="forBrowsers">Whether the key may also be the password of a browser.</param>
    public static ReadOnlySpan<char> Read(HttpRequest request, bool forBrowsers = false)
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
