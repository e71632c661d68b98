using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Health;

/// <summary><c>/health/live</c>: the process answers. <c>/health/ready</c>: it takes new turns and its grains answer.</summary>
internal static partial class HealthApi
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        string[] methods = ["GET", "HEAD"];
        routes.MapMethods("/health/live", methods, context => Say(context, true)).WithMetadata(new QuietRoute());
        routes.MapMethods("/health/ready", methods, Ready).WithMetadata(new QuietRoute());
    }

    private static async Task Ready(HttpContext context)
    {
        var services = context.RequestServices;
        var readiness = services.GetRequiredService<Readiness>();
        if (readiness.Draining)
        {
            await Say(context, false);
            return;
        }
        try
        {
            readiness.ThrowIfNotConnected();
            var catalog = services.GetRequiredService<IGrainFactory>().Grain<ICatalogGrain>(GrainKeys.Catalog);
            await catalog.FindTenant("-").WaitAsync(Patience, services.GetRequiredService<TimeProvider>(), context.RequestAborted);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException)
        {
            CatalogSilent(services.GetRequiredService<ILogger<Readiness>>(), exception.Message);
            await Say(context, false);
            return;
        }
        await Say(context, true);
    }

    private static Task Say(HttpContext context, bool well)
    {
        context.Response.StatusCode = well ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "text/plain";
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsync(well ? "ok\n" : "not ready\n", context.RequestAborted);
    }

    [LoggerMessage(10, LogLevel.Warning, "Not ready, the catalog does not answer: {Reason}")]
    private static partial void CatalogSilent(ILogger logger, string reason);
}
