using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Admin;

/// <summary>
/// Records requests that a key may not make. Whoever has a key can send such requests all the time, so equal ones are recorded once a minute, those of a tenant
/// at most <see cref="MaxOfTenant"/> times, and all of them together at most <see cref="MaxPerMinute"/> times. Thread-safe.
/// </summary>
internal sealed partial class RefusedRequests(IFleetView fleet, IGrainFactory grains, TimeProvider time, ILogger<RefusedRequests> logger)
{
    public const int MaxPerMinute = 200;
    public const int MaxOfTenant = 20;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly HashSet<(string Hash, string Action, string Id)> _recorded = [];
    private readonly Dictionary<string, int> _ofTenants = [];
    private long? _since;

    /// <summary>Records a request. A failure is logged only: the request is refused anyway.</summary>
    /// <param name="context">The request.</param>
    /// <param name="code">The error that the client gets.</param>
    public async Task Record(HttpContext context, ErrorCode code = ErrorCode.PermissionDenied)
    {
        var route = context.GetEndpoint()!.Metadata.GetRequiredMetadata<AdminRoute>();
        var hash = GrainKeys.ApiKeyHash(ApiKeys.Read(context.Request, route.ForBrowsers));
        if (fleet.FindKey(hash) is not { } key) return;
        var (kind, id) = ThingOf(context);
        if (!TryCount(key.TenantId, (hash, route.Action, id))) return;
        var requestKey = new RequestKey(hash, key.TenantId, key.Name, key.ErrorText) { Role = key.Role };
        // The thing may belong to another tenant, whose admins are not told who asked.
        var entry = AuditEntries.Create(context, new AuditTarget(kind, id, key.TenantId), requestKey, ErrorTable.Of(code).Name);
        try
        {
            await grains.Grain<IAuditLogGrain>(GrainKeys.AuditLog).Append(entry);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException)
        {
            LogNotRecorded(logger, exception);
        }
    }

    /// <summary>The last thing that the path of a request names, as the route has it: <c>/tenants/{id}/keys/{name}</c> names a key.</summary>
    private static (string Kind, string Id) ThingOf(HttpContext context)
    {
        if (context.GetEndpoint() is not RouteEndpoint { RoutePattern: var pattern } || !pattern.RawText!.StartsWith(AdminApi.Prefix, StringComparison.Ordinal))
            return ("", "");
        var (literal, kind, id) = ("", "", "");
        foreach (var segment in pattern.PathSegments)
        {
            switch (segment.Parts[0])
            {
                case RoutePatternLiteralPart part: literal = part.Content; break;
                case RoutePatternParameterPart part: (kind, id) = (literal.TrimEnd('s'), Clean(RequestPath.Read(context, part.Name))); break;
            }
        }
        return (kind, id);
    }

    // The client has chosen it, and nothing has checked it.
    private static string Clean(string id) => id.Any(char.IsControl) ? new string([.. id.Where(c => !char.IsControl(c))]) : id;

    private bool TryCount(string tenantId, (string Hash, string Action, string Id) refused)
    {
        lock (_gate)
        {
            if (_since is not { } since || time.GetElapsedTime(since) >= Window)
            {
                _since = time.GetTimestamp();
                _recorded.Clear();
                _ofTenants.Clear();
            }
            var count = _ofTenants.GetValueOrDefault(tenantId);
            if (_recorded.Count >= MaxPerMinute || count >= MaxOfTenant || !_recorded.Add(refused)) return false;
            _ofTenants[tenantId] = count + 1;
            return true;
        }
    }

    [LoggerMessage(42, LogLevel.Warning, "A request that was refused could not be recorded in the audit log")]
    private static partial void LogNotRecorded(ILogger logger, Exception exception);
}
