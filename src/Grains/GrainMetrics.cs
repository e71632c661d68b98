using System.Diagnostics.Metrics;

namespace CozeCluster.Grains;

/// <summary>The metrics of grains. <c>docs/operations.md</c> lists their names.</summary>
internal static class GrainMetrics
{
    private static readonly Meter Meter = new(Tracing.SourceName);
    private static readonly Counter<long> Started = Counter("turns.started", "Turns that conversations accepted.");
    private static readonly Counter<long> Completed = Counter("turns.completed", "Turns that ended with a complete reply.");
    private static readonly Counter<long> Failed = Counter("turns.failed", "Turns that ended with an error, including cancelled turns, by error code.");
    private static readonly Counter<long> Tokens = Counter("tokens", "Tokens, as counted by the upstreams.");
    private static readonly Counter<long> Cuts = Counter("cuts", "Replies that were considered complete and then continued.");
    private static readonly Counter<long> KeepActive = Counter("keep_active", "Keep-active messages, by outcome.");

    /// <summary>Counts a turn that a conversation accepted.</summary>
    public static void TurnStarted(string model) => Started.Add(1, new KeyValuePair<string, object?>("model", model));

    /// <summary>Counts a turn that has ended, and its tokens.</summary>
    public static void TurnEnded(string model, ReplyEvent end, Usage? usage)
    {
        var tag = new KeyValuePair<string, object?>("model", model);
        if (end is ReplyFailed failed) Failed.Add(1, tag, new("code", ErrorTable.Of(failed.Error.Code).Name));
        else Completed.Add(1, tag);
        if (usage is null) return;
        Tokens.Add(usage.InputTokens, tag, new("direction", "input"));
        Tokens.Add(usage.OutputTokens, tag, new("direction", "output"));
    }

    /// <summary>Counts a reply that was considered complete too early.</summary>
    public static void ReplyCut(string botId) => Cuts.Add(1, new KeyValuePair<string, object?>("bot", botId));

    /// <summary>Counts a keep-active message.</summary>
    public static void KeptActive(string botId, Error? error) =>
        KeepActive.Add(1, new KeyValuePair<string, object?>("bot", botId), new("outcome", error is null ? "answered" : ErrorTable.Of(error.Code).Name));

    private static Counter<long> Counter(string name, string description) => Meter.CreateCounter<long>("cozecluster." + name, description: description);
}
