using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Surfaces.Health;

/// <summary>
/// The probes of a node. <c>/health/live</c> succeeds while the process answers. <c>/health/ready</c> succeeds while the node accepts turns and its grains
/// answer.
/// </summary>
internal static partial class HealthApi
{
    private static readonly TimeSpan CatalogTimeout = TimeSpan.FromSeconds(2);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        string[] methods = ["GET", "HEAD"];
        routes.MapMethods("/health/live", methods, context => WriteStatus(context, true)).WithMetadata(new DebugLogRoute());
        routes.MapMethods("/health/ready", methods, CheckReady).WithMetadata(new DebugLogRoute());
    }

    private static async Task CheckReady(HttpContext context)
    {
        var services = context.RequestServices;
        var readiness = services.GetRequiredService<Readiness>();
        if (readiness.IsDraining)
        {
            await WriteStatus(context, false);
            return;
        }
        try
        {
            readiness.ThrowIfNotConnected();
            var catalog = services.GetRequiredService<IGrainFactory>().Grain<ICatalogGrain>(GrainKeys.Catalog);
            await catalog.GetStatus().WaitAsync(CatalogTimeout, services.GetRequiredService<TimeProvider>(), context.RequestAborted);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException)
        {
            LogCatalogNoAnswer(services.GetRequiredService<ILogger<Readiness>>(), exception.Message);
            await WriteStatus(context, false);
            return;
        }
        await WriteStatus(context, true);
    }

    private static Task WriteStatus(HttpContext context, bool ok)
    {
        context.Response.StatusCode = ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(ok ? "ok\n" : "not ready\n", context.RequestAborted);
    }

    [LoggerMessage(10, LogLevel.Warning, "This node is not ready because the catalog does not answer: {Reason}")]
    private static partial void LogCatalogNoAnswer(ILogger logger, string reason);
}
