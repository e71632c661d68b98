using System.Diagnostics.Metrics;

namespace CozeCluster.Grains;

/// <summary>What grains count. <c>docs/operations.md</c> lists the names.</summary>
internal static class GrainMetrics
{
    private static readonly Meter Meter = new("CozeCluster");
    private static readonly Counter<long> Started = Meter.CreateCounter<long>("cozecluster.turns.started", description: "Turns that conversations took.");
    private static readonly Counter<long> Completed = Meter.CreateCounter<long>("cozecluster.turns.completed", description: "Turns that ended with a whole reply.");
    private static readonly Counter<long> Failed = Meter.CreateCounter<long>("cozecluster.turns.failed", description: "Turns that ended with an error, cancelled ones included, by its code.");
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("cozecluster.tokens", description: "Tokens as far sides counted them.");
    private static readonly Counter<long> Cuts = Meter.CreateCounter<long>("cozecluster.cuts", description: "Replies that were taken for ended and then went on.");
    private static readonly Counter<long> KeepActive = Meter.CreateCounter<long>("cozecluster.keep_active", description: "Keep-active messages, by what became of them.");

    /// <summary>A conversation took a turn.</summary>
    public static void TurnStarted(string model) => Started.Add(1, new KeyValuePair<string, object?>("model", model));

    /// <summary>A turn has ended.</summary>
    public static void TurnEnded(string model, ReplyEvent end, Usage? usage)
    {
        var tag = new KeyValuePair<string, object?>("model", model);
        if (end is ReplyFailed failed) Failed.Add(1, tag, new("code", ErrorTable.Of(failed.Error.Code).Name));
        else Completed.Add(1, tag);
        if (usage is null) return;
        Tokens.Add(usage.InputTokens, tag, new("direction", "input"));
        Tokens.Add(usage.OutputTokens, tag, new("direction", "output"));
    }

    /// <summary>A reply was taken for ended too early.</summary>
    public static void ReplyCut(string botId) => Cuts.Add(1, new KeyValuePair<string, object?>("bot", botId));

    /// <summary>A keep-active message was answered, or not.</summary>
    public static void KeptActive(string botId, Error? error) =>
        KeepActive.Add(1, new KeyValuePair<string, object?>("bot", botId), new("outcome", error is null ? "answered" : ErrorTable.Of(error.Code).Name));
}
