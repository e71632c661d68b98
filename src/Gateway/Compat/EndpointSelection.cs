using System.Net;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Compat;

/// <summary>
/// Decides before routing whose API a request uses: by the endpoint that it came in at, otherwise by its API key. Enforces the limits of the endpoint.
/// </summary>
internal sealed class EndpointSelection(RequestDelegate next, IFleetView fleet, TimeProvider time)
{
    private readonly AddressCounts _requests = new(time);

    public Task InvokeAsync(HttpContext context)
    {
        RepairVersion(context.Request);
        var endpoints = fleet.Endpoints;
        if (endpoints.All.Count > 0 && Find(endpoints.All, context) is { } endpoint)
        {
            context.Features.Set(new CompatRequest(endpoint.Compat, endpoint) { CheckLimits = () => CheckLimits(context, endpoint) });
            if (endpoint.Path is { } path) StripPath(context.Request, path);
            CheckLimits(context, endpoint);
        }
        else if (endpoints.HasCompatKeys && (FindKey(context)?.Compat ?? CompatMode.None) is var mode and not CompatMode.None)
        {
            context.Features.Set(new CompatRequest(mode, null));
        }
        return next(context);
    }

    /// <summary>
    /// People append a slash or <c>/v1</c> to a base URL where their client adds them itself: <c>//v1</c>, <c>/v1/v1</c>, <c>/v1//v1</c>. Other paths are not
    /// repaired: who forbids <c>/admin</c> in a proxy need not think of <c>//admin</c>.
    /// </summary>
    private static void RepairVersion(HttpRequest request)
    {
        var path = request.Path.Value.AsSpan();
        var start = 0;
        for (var at = SkipSlashes(path, 0); IsVersion(path[at..]); at = SkipSlashes(path, at + 2)) start = at - 1;
        if (start > 0) request.Path = path[start..].ToString();
    }

    private static int SkipSlashes(ReadOnlySpan<char> path, int at) => path[at..].IndexOfAnyExcept('/') is var count and >= 0 ? at + count : path.Length;

    private static bool IsVersion(ReadOnlySpan<char> rest) => rest is ['v', '1'] or ['v', '1', '/', ..];

    private static EndpointDefinition? Find(IReadOnlyList<EndpointDefinition> endpoints, HttpContext context)
    {
        EndpointDefinition? best = null;
        var (bestCount, bestLength) = (0, 0);
        foreach (var endpoint in endpoints)
        {
            if (endpoint.Port is { } port && port != context.Connection.LocalPort) continue;
            if (endpoint.Host is { } host && !host.Equals(context.Request.Host.Host, StringComparison.OrdinalIgnoreCase)) continue;
            if (endpoint.Path is { } path && !context.Request.Path.StartsWithSegments(path, StringComparison.Ordinal)) continue;
            var count = (endpoint.Port is null ? 0 : 1) + (endpoint.Host is null ? 0 : 1) + (endpoint.Path is null ? 0 : 1);
            var length = endpoint.Path?.Length ?? 0;
            if (count < bestCount || (count == bestCount && length <= bestLength && best is not null)) continue;
            (best, bestCount, bestLength) = (endpoint, count, length);
        }
        return best;
    }

    private static void StripPath(HttpRequest request, string path)
    {
        request.PathBase = request.PathBase.Add(path);
        request.Path = request.Path.Value![path.Length..];
        if (request.Path.Value is null or "") request.Path = "/";
        RepairVersion(request);
    }

    private void CheckLimits(HttpContext context, EndpointDefinition endpoint)
    {
        var address = context.Connection.RemoteIpAddress;
        if (endpoint.Networks.Count > 0 && !AddressRanges.Contain(endpoint, endpoint.Networks, address))
            throw new ClusterException(ErrorCode.PermissionDenied, "Your address is not allowed to use this endpoint.");
        if (LimitOf(endpoint, context) is { } limit && _requests.Add(endpoint.Id, ClientNetwork.Of(address), limit) is { } until)
        {
            throw new ClusterException(
                ErrorCode.RateLimited, $"This endpoint is limited to {limit} requests a minute for each address. Retry later.", until: until);
        }
    }

    /// <summary>
    /// How many requests an address may send within a minute. Programs on this machine are the operator's own, and keys have limits of their own.
    /// </summary>
    private int? LimitOf(EndpointDefinition endpoint, HttpContext context) => endpoint switch
    {
        { RequestsPerMinute: { } limit } => limit,
        { Anonymous: not null } when !IsLocal(context) && FindKey(context) is null => EndpointDefinition.AnonymousRequestsPerMinute,
        _ => null,
    };

    private static bool IsLocal(HttpContext context) => context.Connection.RemoteIpAddress is { } address && IPAddress.IsLoopback(address);

    private ApiKeyInfo? FindKey(HttpContext context)
    {
        var given = ApiKeys.Read(context.Request);
        if (given.IsEmpty) return null;
        try
        {
            return fleet.FindKey(GrainKeys.ApiKeyHash(given));
        }
        catch (ClusterException)
        {
            // The fleet cannot be used at the moment. Authentication reports it, where the request needs a key.
            return null;
        }
    }
}
