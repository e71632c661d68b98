using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Surfaces.Health;

/// <summary>
/// The probes of a node. <c>/health/live</c> succeeds while the process answers. <c>/health/ready</c> succeeds while the node can take turns; otherwise its
/// body has the reason in one line.
/// </summary>
internal static class HealthApi
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        string[] methods = ["GET", "HEAD"];
        routes.MapMethods("/health/live", methods, static context => WriteStatus(context, null)).WithMetadata(new DebugLogRoute());
        routes.MapMethods("/health/ready", methods, CheckReady).WithMetadata(new DebugLogRoute());
    }

    private static async Task CheckReady(HttpContext context) =>
        await WriteStatus(context, await context.RequestServices.GetRequiredService<ReadyCheck>().FindReason(context.RequestAborted));

    private static Task WriteStatus(HttpContext context, string? reason)
    {
        context.Response.StatusCode = reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(reason is null ? "ok\n" : $"not ready: {reason}\n", context.RequestAborted);
    }
}
