using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry.Metrics;

namespace CozeCluster.Gateway.Metrics;

/// <summary>Collects the metrics of this process with OpenTelemetry, for <see cref="MetricsApi"/>.</summary>
internal static class MetricsExport
{
    /// <summary>The name of every meter in this project.</summary>
    public const string MeterName = Tracing.SourceName;

    /// <summary>
    /// The largest number of series of a metric with a label for bots or models: 10,000 bots with five outcomes each. OpenTelemetry reserves about 90 bytes of
    /// address space for each, and uses memory only for those that exist. It counts further sets of labels together, in a series with the label
    /// <c>otel_metric_overflow="true"</c>.
    /// </summary>
    public const int MaxSeries = 50_000;

    /// <summary>Adds OpenTelemetry with the meters of this project and the Prometheus exporter.</summary>
    public static void AddMetricsExport(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddOpenTelemetry().WithMetrics(static metrics => metrics.AddMeter(MeterName).AddPrometheusExporter(static exporter =>
        {
            // Series have the labels that docs/operations.md lists and no others.
            exporter.ScopeInfoEnabled = false;
            exporter.TargetInfoEnabled = false;
            // Each response contains the health that was read for it.
            exporter.ScrapeResponseCacheDurationMilliseconds = 0;
        }));
        services.ConfigureOpenTelemetryMeterProvider(static (provider, metrics) =>
        {
            var meters = provider.GetRequiredService<IMeterFactory>();
            metrics.AddView(instrument => ViewOf(instrument, meters));
        });
    }

    private static MetricStreamConfiguration? ViewOf(Instrument instrument, IMeterFactory meters)
    {
        // Counters and gauges of grains and upstreams have labels for bots and models. Other instruments, and those of Orleans, have OpenTelemetry's default
        // limit.
        if (instrument.Meter.Scope is null)
        {
            var isOfFleet = instrument is Counter<long> or ObservableGauge<long> && instrument.Meter.Name == MeterName;
            return isOfFleet ? new MetricStreamConfiguration { CardinalityLimit = MaxSeries } : null;
        }
        // Instruments of this gateway have a few hundred series, which is within OpenTelemetry's default limit of 2,000. Another gateway in this process
        // exports its own instruments.
        return instrument.Meter.Scope == meters ? null : MetricStreamConfiguration.Drop;
    }
}
