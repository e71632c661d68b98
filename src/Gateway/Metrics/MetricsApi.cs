using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.OpenApi;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.OpenApi;

namespace CozeCluster.Gateway.Metrics;

/// <summary><c>GET /metrics</c>, for Prometheus: the metrics of this node, and the health of the fleet.</summary>
internal static partial class MetricsApi
{
    private static readonly TimeSpan HealthTimeout = TimeSpan.FromSeconds(2);

    public static void MapMetrics(this IEndpointRouteBuilder routes)
    {
        // This also creates the exporter, so that it counts from the start of the node and not from the first request.
        var scrape = routes.CreateApplicationBuilder().UseOpenTelemetryPrometheusScrapingEndpoint(static _ => true).Build();
        routes.MapViewer(
            "GET", "/metrics", context => Read(context, scrape), "readMetrics",
            "Returns the metrics of this node in Prometheus' text format.",
            static operation =>
            {
                var content = Schemas.Content("text/plain", Schemas.String());
                operation.Responses!.Add("200", new OpenApiResponse { Description = "Metrics.", Content = content });
            }).WithMetadata(new DebugLogRoute());
    }

    private static async Task Read(HttpContext context, RequestDelegate scrape)
    {
        var services = context.RequestServices;
        var metrics = services.GetRequiredService<GatewayMetrics>();
        try
        {
            services.GetRequiredService<Readiness>().ThrowIfNotConnected();
            var health = services.GetRequiredService<IGrainFactory>().Grain<IHealthGrain>(GrainKeys.Health).List();
            metrics.SetHealth(await health.WaitAsync(HealthTimeout, services.GetRequiredService<TimeProvider>(), context.RequestAborted));
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException)
        {
            // The other metrics of this node are needed even more now.
            metrics.SetHealth([]);
            LogHealthNoAnswer(services.GetRequiredService<ILogger<GatewayMetrics>>(), exception);
        }
        // Every client gets the text format. OpenMetrics, which Prometheus prefers, adds a series to every counter: the time when it was created.
        context.Request.Headers.Accept = default;
        context.Response.Headers.CacheControl = "no-store";
        await scrape(context);
    }

    [LoggerMessage(40, LogLevel.Warning, "The health grain did not answer, so /metrics does not contain the health of the fleet")]
    private static partial void LogHealthNoAnswer(ILogger logger, Exception exception);
}
