namespace CozeCluster;

/// <summary>The names that all parts of this project use in their telemetry.</summary>
public static class Tracing
{
    /// <summary>The name of every source of spans and of every meter in this project.</summary>
    public const string SourceName = "CozeCluster";

    /// <summary>The meter of the metrics with the names of OpenTelemetry's conventions for generative AI. It is collected where operators want it.</summary>
    public const string GenAiName = "CozeCluster.GenAi";

    /// <summary>The name of the span of a turn. Besides HTTP requests, only turns begin traces: turns whose node has failed.</summary>
    public const string TurnSpan = "turn";

    /// <summary>
    /// The name of a switch of the process (<see cref="AppContext"/>): requests to upstreams carry the trace, so that upstreams can recognise which requests
    /// belong together.
    /// </summary>
    public const string ForwardSwitch = "CozeCluster.ForwardTrace";
}
