using System.Diagnostics;

namespace CozeCluster.Grains;

/// <summary>
/// The spans of turns: one for each turn, below that of its HTTP request, with one for each attempt. They have ids, names and numbers; texts of clients and
/// upstreams are only added by <see cref="ContentExport"/>. Without a listener, nothing is created.
/// </summary>
internal static class TurnSpans
{
    private static readonly ActivitySource Source = new(Tracing.SourceName);

    /// <summary>Begins the span of a turn that begins to run, at the time when it was accepted.</summary>
    public static Activity? BeginTurn(TurnProgress progress)
    {
        if (!Source.HasListeners()) return null;
        // A turn that another node has begun has no request any more, and begins a trace of its own.
        ActivityContext.TryParse(progress.Request?.TraceParent, null, isRemote: true, out var parent);
        var start = progress.IsSent ? default : progress.Row.CreatedAt;
        var span = Source.StartActivity(Tracing.TurnSpan, ActivityKind.Internal, parent, startTime: start);
        if (span is not { IsAllDataRequested: true }) return span;
        return span.SetTag("cozecluster.turn.id", progress.TurnId)
            .SetTag("cozecluster.tenant.id", progress.Row.TenantId)
            .SetTag("cozecluster.model", progress.Row.Model);
    }

    /// <summary>Describes how a turn ended.</summary>
    public static void EndTurn(Activity? span, LiveTurn turn)
    {
        if (span is not { IsAllDataRequested: true }) return;
        if (turn.Log.Usage is { } usage)
            span.SetTag("cozecluster.tokens.input", usage.InputTokens).SetTag("cozecluster.tokens.output", usage.OutputTokens);
        if (turn.Pace.Queued is { } queued) span.SetTag("cozecluster.queued", queued.TotalSeconds);
        if (turn.Pace.FirstText is { } firstText) span.SetTag("cozecluster.first_text", firstText.TotalSeconds);
        SetError(span, (turn.Progress.End as ReplyFailed)?.Error);
    }

    /// <summary>Begins the span of an attempt.</summary>
    /// <param name="lease">The bot and the account.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="attempt">The number of the attempt; 0 if the reply is read again after another node has sent the prompt.</param>
    public static Activity? BeginAttempt(Lease lease, string turnId, int attempt)
    {
        if (!Source.HasListeners()) return null;
        var span = Source.StartActivity("attempt", ActivityKind.Client);
        if (span is not { IsAllDataRequested: true }) return span;
        return span.SetTag("cozecluster.turn.id", turnId)
            .SetTag("cozecluster.attempt", attempt)
            .SetTag("cozecluster.upstream", lease.Bot.Upstream)
            .SetTag("cozecluster.bot.id", lease.Bot.Id)
            .SetTag("cozecluster.account.id", lease.Account.Id);
    }

    /// <summary>Ends a span with an error, or without one.</summary>
    public static void SetError(Activity? span, Error? error)
    {
        if (span is not { IsAllDataRequested: true } || error is null) return;
        // Without the message: it may have words of the upstream.
        span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", ErrorTable.Of(error.Code).Name);
    }
}
