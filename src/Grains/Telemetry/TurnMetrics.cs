using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CozeCluster.Grains;

/// <summary>
/// What turns and attempts took. <c>docs/operations.md</c> lists the names. Histograms have a label for the upstream and none for the model: each set of labels
/// of a histogram is 14 to 16 series.
/// </summary>
internal static class TurnMetrics
{
    private static readonly Meter Meter = new(Tracing.SourceName);

    private static readonly Histogram<double> FirstText = Histogram(
        "turn.first_text", "From the acceptance of a turn to its first text.", [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60]);

    private static readonly Histogram<double> UpstreamFirstText = Histogram(
        "upstream.first_text", "From the request to an upstream to its first text.", [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60]);

    private static readonly Histogram<double> Deltas = Histogram(
        "turn.deltas", "The mean time between the pieces in which a reply arrived.", [.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5]);

    private static readonly Histogram<double> Queued = Histogram(
        "turn.queued", "How long a turn waited behind other turns of its conversation.", [.001, .01, .1, .5, 1, 2.5, 5, 10, 30, 60, 300]);

    private static readonly UpDownCounter<long> Running = Meter.CreateUpDownCounter<long>(
        "cozecluster.turns.running", description: "Turns that run on this node now.");

    private static readonly Counter<long> Attempts = Meter.CreateCounter<long>(
        "cozecluster.attempts", description: "Attempts to get a reply from an upstream, by outcome.");

    private static readonly Counter<long> Refusals = Meter.CreateCounter<long>(
        "cozecluster.refusals", description: "Turns and attempts that a limit or a breaker refused.");

    /// <summary>Records that a turn begins to run. Its end is recorded when the result is disposed.</summary>
    public static RunningTurn BeginRun(LiveTurn turn)
    {
        // A turn that another activation has begun has already left the queue.
        var isFirst = !turn.Progress.IsSent;
        if (isFirst) turn.Pace.Run();
        if (isFirst && turn.Pace.Queued is { } queued) Queued.Record(queued.TotalSeconds);
        Running.Add(1);
        return default;
    }

    /// <summary>Records the end of an attempt, and ends its span.</summary>
    public static void EndAttempt(Activity? span, Lease lease, LiveTurn turn, Error? error)
    {
        CountAttempt(lease.Bot.Upstream, error);
        var upstream = new KeyValuePair<string, object?>("upstream", lease.Bot.Upstream);
        if (turn.Pace.UpstreamFirstText is { } upstreamFirstText)
        {
            UpstreamFirstText.Record(upstreamFirstText.TotalSeconds, upstream);
            FirstText.Record(turn.Pace.FirstText!.Value.TotalSeconds, upstream);
        }
        if (turn.Pace.BetweenDeltas is { } deltas) Deltas.Record(deltas.TotalSeconds, upstream);
        GenAiTelemetry.EndAttempt(span, lease, turn, error);
        TurnSpans.SetError(span, error);
    }

    /// <summary>Counts an attempt.</summary>
    public static void CountAttempt(string upstream, Error? error) =>
        Attempts.Add(1, new("upstream", upstream), new("outcome", error is null ? "ok" : ErrorTable.Of(error.Code).Name));

    /// <summary>Counts a refusal.</summary>
    /// <param name="by">What refused: <c>tenant</c>, <c>budget</c> or <c>bot</c>.</param>
    /// <param name="code">Why.</param>
    public static void Refused(string by, ErrorCode code) => Refusals.Add(1, new("by", by), new("code", ErrorTable.Of(code).Name));

    private static Histogram<double> Histogram(string name, string description, double[] bounds) => Meter.CreateHistogram(
        "cozecluster." + name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });

    /// <summary>A turn that runs. Disposing it ends the count.</summary>
    public readonly struct RunningTurn : IDisposable
    {
        public void Dispose() => Running.Add(-1);
    }
}
