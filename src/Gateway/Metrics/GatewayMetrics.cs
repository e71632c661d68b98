using System.Diagnostics.Metrics;
using System.Globalization;

namespace CozeCluster.Gateway.Metrics;

/// <summary>What the gateway counts. <c>docs/operations.md</c> lists the names.</summary>
internal sealed class GatewayMetrics : IDisposable
{
    /// <summary>Stands for a route where there is none.</summary>
    public const string NoRoute = "-";

    private readonly Counter<long> _requests;
    private readonly UpDownCounter<long> _streams;
    private volatile IReadOnlyList<HealthEntry> _health = [];

    public GatewayMetrics()
    {
        _requests = Meter.CreateCounter<long>("cozecluster.requests", description: "HTTP requests answered, by route and status.");
        _streams = Meter.CreateUpDownCounter<long>("cozecluster.streams.active", description: "Replies that are being streamed to clients of this node.");
        Meter.CreateObservableGauge("cozecluster.health", CountHealth, description: "Bots, accounts and listeners of the fleet by how they stand; the same on every node.");
    }

    /// <summary>Of this gateway alone.</summary>
    public Meter Meter { get; } = new(MetricsCollector.MeterName);

    /// <summary>A request was answered.</summary>
    /// <param name="method">Its method: clients may make up any, so it counts only where the route is known.</param>
    /// <param name="route">The route's pattern; <see cref="NoRoute"/> if there is none.</param>
    /// <param name="status">The response's status.</param>
    public void Answered(string method, string route, int status) => _requests.Add(
        1, new KeyValuePair<string, object?>("method", route == NoRoute ? NoRoute : method), new("route", route), new("status", status.ToString(CultureInfo.InvariantCulture)));

    /// <summary>A stream has begun; it ends when the result is disposed of.</summary>
    public ActiveStream BeginStream()
    {
        _streams.Add(1);
        return new ActiveStream(this);
    }

    /// <summary>How the fleet stands, for the next look at the metrics.</summary>
    public void Set(IReadOnlyList<HealthEntry> health) => _health = health;

    public void Dispose() => Meter.Dispose();

    private IEnumerable<Measurement<long>> CountHealth() => _health.GroupBy(entry => (entry.Kind, entry.State)).Select(group => new Measurement<long>(
        group.Count(), new KeyValuePair<string, object?>("kind", WireName.Of(group.Key.Kind)), new("state", WireName.Of(group.Key.State))));

    /// <summary>A stream that is counted.</summary>
    public readonly struct ActiveStream(GatewayMetrics metrics) : IDisposable
    {
        public void Dispose() => metrics._streams.Add(-1);
    }
}
