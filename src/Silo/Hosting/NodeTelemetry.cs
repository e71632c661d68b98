using System.Diagnostics;
using System.Reflection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Describes this node to OpenTelemetry, and sends its metrics and traces to a collector (OTLP) if the operator names one. <c>/metrics</c> does not contain the
/// description, because Prometheus has labels of its own for a target.
/// </summary>
internal static class NodeTelemetry
{
    private const string ServiceName = "cozecluster";

    /// <summary>Adds the name, version and instance id of the node, the id of its cluster, and what is sent to a collector.</summary>
    public static void AddTelemetry(this WebApplicationBuilder builder, NodeSettings settings)
    {
        var telemetry = settings.Telemetry;
        builder.Configuration.AddInMemoryCollection(telemetry.Variables);
        var otel = builder.Services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService(
            ServiceName, settings.Cluster?.ClusterId,
            typeof(NodeTelemetry).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion));
        if (telemetry.GenAi) otel.WithMetrics(static metrics => metrics.AddMeter(Tracing.GenAiName));
        // Orleans has about a hundred metrics. They cost something with every message, so they are collected only for a collector.
        if (telemetry.SendsMetrics) otel.WithMetrics(static metrics => metrics.AddMeter("Microsoft.Orleans").AddOtlpExporter());
        if (telemetry.SendsTraces) otel.AddTraces(builder.Services, telemetry);
    }

    /// <summary>Makes the calls between grains, silos and gateways a part of the traces.</summary>
    public static void AddCallTracing(this ISiloBuilder silo, NodeSettings settings)
    {
        if (settings.Telemetry.SendsTraces) silo.AddActivityPropagation();
    }

    /// <inheritdoc cref="AddCallTracing(ISiloBuilder, NodeSettings)" />
    public static void AddCallTracing(this IClientBuilder client, NodeSettings settings)
    {
        if (settings.Telemetry.SendsTraces) client.AddActivityPropagation();
    }

    private static void AddTraces(this OpenTelemetryBuilder otel, IServiceCollection services, TelemetrySettings telemetry)
    {
        services.AddSingleton<DistributedContextPropagator, TraceParentPropagator>();
        if (telemetry.ForwardsTrace) AppContext.SetSwitch(Tracing.ForwardSwitch, true);
        otel.WithTracing(static tracing => tracing
            .AddSource(Tracing.SourceName, "Microsoft.AspNetCore", "Microsoft.Orleans.Application")
            .ConfigureSampler(static (_, sampler) => new TraceSampler(sampler))
            .AddProcessor<SpanCleaner>()
            .AddOtlpExporter());
    }
}
