using System.Diagnostics;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Metrics;

/// <summary>
/// The spans of HTTP requests. ASP.NET Core begins them, below the span that the client names in <c>traceparent</c>, before the route is known. This class
/// describes them with ids, names and numbers.
/// </summary>
internal static class RequestSpans
{
    // Paths and user agents are texts of clients, and older clients have keys in paths.
    private static readonly string[] TextsOfClients = ["url.path", "url.query", "user_agent.original", "server.address", "server.port"];

    // Probes, scrapes and pages that refresh themselves would be most of all traces.
    private static readonly string[] PathsOfOperators = ["/health", "/metrics", "/dashboard"];

    private static readonly ActivitySource Source = new(Tracing.SourceName);

    /// <summary>Whether anything collects spans in this process.</summary>
    public static bool IsTraced => Source.HasListeners();

    /// <summary>Ends the trace of a request that is not worth one, with everything below it.</summary>
    public static void Begin(HttpContext context)
    {
        if (!IsTraced || context.Features.Get<IHttpActivityFeature>()?.Activity is not { Recorded: true } span) return;
        if (!PathsOfOperators.Any(prefix => context.Request.Path.StartsWithSegments(prefix, StringComparison.OrdinalIgnoreCase))) return;
        span.ActivityTraceFlags &= ~ActivityTraceFlags.Recorded;
        span.IsAllDataRequested = false;
    }

    /// <summary>Describes the span of a request that was answered.</summary>
    public static void End(HttpContext context, RequestInfo info, string route)
    {
        if (!IsTraced || context.Features.Get<IHttpActivityFeature>()?.Activity is not { IsAllDataRequested: true } span) return;
        foreach (var text in TextsOfClients) span.SetTag(text, null);
        // Without a route, the method may be any text.
        var method = route == GatewayMetrics.NoRoute ? "HTTP" : context.Request.Method;
        span.DisplayName = $"{method} {route}";
        span.SetTag("http.request.method", method).SetTag("http.route", route)
            .SetTag("http.response.status_code", context.Response.StatusCode).SetTag("cozecluster.request.id", info.RequestId);
        if (info.TurnId is { } turnId) span.SetTag("cozecluster.turn.id", turnId);
        if (info.Key is { } key) span.SetTag("cozecluster.tenant.id", key.TenantId);
        if (info.Error is not { } error) return;
        span.SetTag("error.type", ErrorTable.Of(error).Name);
        if (ErrorTable.Of(error).Status >= StatusCodes.Status500InternalServerError) span.SetStatus(ActivityStatusCode.Error);
    }
}
