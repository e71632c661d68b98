using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Decides which traces begin, before the sampler that the operator has chosen (<c>OTEL_TRACES_SAMPLER</c>). Requests begin traces, and turns whose node has
/// failed. The node's own calls would be many more: polls, heartbeats, renewals.
/// </summary>
internal sealed class TraceSampler(Sampler chosen) : Sampler
{
    private const string HttpRequest = "Microsoft.AspNetCore.Hosting.HttpRequestIn";

    // Batches of replies leave together, in the context of whichever turn was first.
    private static readonly string[] CallsOfNoTurn = ["IReplyObserver/", "IDiscordObserver/"];

    /// <inheritdoc />
    public override SamplingResult ShouldSample(in SamplingParameters parameters)
    {
        var (name, parent) = (parameters.Name, parameters.ParentContext);
        var isDropped = parent.TraceId == default ? name is not (HttpRequest or Tracing.TurnSpan)
            // The rest of a trace that is dropped, also where the chosen sampler does not look at parents.
            : !parent.IsRemote && !parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
                || CallsOfNoTurn.Any(call => name.StartsWith(call, StringComparison.Ordinal));
        return isDropped ? new SamplingResult(SamplingDecision.Drop) : chosen.ShouldSample(parameters);
    }
}

/// <summary>Removes the texts of exceptions from the spans of grain calls: some repeat words of clients or upstreams.</summary>
internal sealed class SpanCleaner : BaseProcessor<Activity>
{
    /// <inheritdoc />
    public override void OnEnd(Activity data)
    {
        if (data.GetTagItem("exception.type") is null) return;
        data.SetTag("exception.message", null).SetTag("exception.stacktrace", null);
    }
}

/// <summary>Reads and writes only <c>traceparent</c>. What else a client may send with it (<c>baggage</c>, <c>tracestate</c>) is text of its own.</summary>
internal sealed class TraceParentPropagator : DistributedContextPropagator
{
    private const string TraceParent = "traceparent";

    /// <inheritdoc />
    public override IReadOnlyCollection<string> Fields { get; } = [TraceParent];

    /// <inheritdoc />
    public override void Inject(Activity? activity, object? carrier, PropagatorSetterCallback? setter)
    {
        if (activity is { IdFormat: ActivityIdFormat.W3C, Id: { } id }) setter?.Invoke(carrier, TraceParent, id);
    }

    /// <inheritdoc />
    public override void ExtractTraceIdAndState(object? carrier, PropagatorGetterCallback? getter, out string? traceId, out string? traceState)
    {
        (traceId, traceState) = (null, null);
        getter?.Invoke(carrier, TraceParent, out traceId, out _);
    }

    /// <inheritdoc />
    public override IEnumerable<KeyValuePair<string, string?>>? ExtractBaggage(object? carrier, PropagatorGetterCallback? getter) => null;
}
