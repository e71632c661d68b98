using System.Diagnostics.Metrics;
using System.Globalization;
using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Metrics;

/// <summary>The metrics of the gateway. <c>docs/operations.md</c> lists their names.</summary>
internal sealed class GatewayMetrics
{
    /// <summary>The <c>route</c> label of requests that match no route.</summary>
    public const string NoRoute = "-";

    private readonly Counter<long> _requests;
    private readonly UpDownCounter<long> _streams;
    private readonly Histogram<double> _overhead;
    private readonly TimeProvider _time;
    private volatile IReadOnlyList<HealthEntry> _health = [];

    public GatewayMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        Meter = meters.Create(MetricsExport.MeterName);
        _requests = Meter.CreateCounter<long>("cozecluster.requests", description: "HTTP requests answered, by route and status.");
        _streams = Meter.CreateUpDownCounter<long>("cozecluster.streams.active", description: "Replies that this node streams to clients now.");
        _overhead = Meter.CreateHistogram(
            "cozecluster.turn.overhead", "s", "The time to the first text for a client, without the upstream's and without the wait behind other turns.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1] });
        Meter.CreateObservableGauge(
            "cozecluster.health", CountHealth, description: "Bots, accounts and listeners of the fleet by their state; the same on every node.");
    }

    /// <summary>The meter of this gateway's instruments.</summary>
    public Meter Meter { get; }

    /// <summary>Counts a request that was answered.</summary>
    /// <param name="method">The HTTP method. Without a route it is not recorded, because clients may invent any number of methods.</param>
    /// <param name="route">The route pattern; <see cref="NoRoute"/> if there is none.</param>
    /// <param name="status">The status of the response.</param>
    public void CountRequest(string method, string route, int status) => _requests.Add(
        1, new KeyValuePair<string, object?>("method", route == NoRoute ? NoRoute : method), new("route", route),
        new("status", status.ToString(CultureInfo.InvariantCulture)));

    /// <summary>Counts an active stream until the result is disposed.</summary>
    public ActiveStream BeginStream()
    {
        _streams.Add(1);
        return new ActiveStream(this);
    }

    /// <summary>Records what this project added to the time to the first text of a turn.</summary>
    /// <param name="reader">The reader that has received the whole reply.</param>
    /// <param name="startedAt">When the turn was requested, as a timestamp.</param>
    public void EndTurn(ReplyReader reader, long startedAt)
    {
        if (reader is not { FirstContentAt: { } firstContentAt, Timing: { } timing }) return;
        var own = _time.GetElapsedTime(startedAt, firstContentAt) - timing.Queued - timing.FirstText;
        _overhead.Record(Math.Max(0, own.TotalSeconds), new KeyValuePair<string, object?>("upstream", timing.Upstream));
    }

    /// <summary>Sets the health of the fleet that the metrics report.</summary>
    public void SetHealth(IReadOnlyList<HealthEntry> health) => _health = health;

    private IEnumerable<Measurement<long>> CountHealth() => _health.GroupBy(entry => (entry.Kind, entry.State)).Select(group => new Measurement<long>(
        group.Count(), new KeyValuePair<string, object?>("kind", WireName.Of(group.Key.Kind)), new("state", WireName.Of(group.Key.State))));

    /// <summary>An active stream. Disposing it ends the count.</summary>
    public readonly struct ActiveStream(GatewayMetrics metrics) : IDisposable
    {
        public void Dispose() => metrics._streams.Add(-1);
    }
}
