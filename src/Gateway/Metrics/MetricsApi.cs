using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Metrics;

/// <summary><c>GET /metrics</c>, for Prometheus: what this node counts, and how the fleet stands.</summary>
internal static partial class MetricsApi
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        // It counts from here on, not from when it is first asked.
        routes.ServiceProvider.GetRequiredService<MetricsCollector>();
        routes.MapAdmin(
            "GET", "/metrics", Read, "readMetrics", "Tells what this node counts, in Prometheus' text format. Without a key on the node's own machine.",
            static operation => operation.Responses!.Add("200", new OpenApiResponse { Description = "Metrics.", Content = Schemas.Content("text/plain", Schemas.String()) }),
            openToThisMachine: true).WithMetadata(new QuietRoute());
    }

    private static async Task Read(HttpContext context)
    {
        var services = context.RequestServices;
        var metrics = services.GetRequiredService<GatewayMetrics>();
        try
        {
            services.GetRequiredService<Readiness>().ThrowIfNotConnected();
            var health = services.GetRequiredService<IGrainFactory>().Grain<IHealthGrain>(GrainKeys.Health).List();
            metrics.Set(await health.WaitAsync(Patience, services.GetRequiredService<TimeProvider>(), context.RequestAborted));
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException)
        {
            // What this node counts is worth telling all the more now.
            metrics.Set([]);
            HealthSilent(services.GetRequiredService<ILogger<GatewayMetrics>>(), exception);
        }
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync(services.GetRequiredService<MetricsCollector>().Write(), context.RequestAborted);
    }

    [LoggerMessage(40, LogLevel.Warning, "Metrics without the fleet's health: it does not answer")]
    private static partial void HealthSilent(ILogger logger, Exception exception);
}
