using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace CozeCluster.Grains;

/// <summary>
/// Our measurements under the names of OpenTelemetry's conventions for generative AI (semantic conventions 1.41, where they are marked as in development). All
/// of their names are in this file. They are recorded only while the meter <see cref="Tracing.GenAiName"/> is collected.
/// </summary>
internal static class GenAiTelemetry
{
    private const string OperationName = "gen_ai.operation.name";
    private const string ProviderName = "gen_ai.provider.name";
    private const string RequestModel = "gen_ai.request.model";

    private static readonly double[] Durations = [.01, .02, .04, .08, .16, .32, .64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    private static readonly Meter Meter = new(Tracing.GenAiName);

    private static readonly Histogram<long> TokenUsage = Meter.CreateHistogram(
        "gen_ai.client.token.usage", "{token}", "Number of input and output tokens used.", advice: new InstrumentAdvice<long>
        {
            HistogramBucketBoundaries = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864],
        });

    private static readonly Histogram<double> ClientDuration = Seconds("gen_ai.client.operation.duration", "GenAI operation duration.", Durations);

    private static readonly Histogram<double> ClientFirstChunk = Seconds(
        "gen_ai.client.operation.time_to_first_chunk", "Time from the request to the first chunk of the response.", Durations);

    private static readonly Histogram<double> ClientPerChunk = Seconds(
        "gen_ai.client.operation.time_per_output_chunk", "Mean time between the chunks after the first one.", Durations);

    private static readonly Histogram<double> ServerDuration = Seconds("gen_ai.server.request.duration", "Time of a turn, for its client.", Durations);

    private static readonly Histogram<double> ServerFirstToken = Seconds(
        "gen_ai.server.time_to_first_token", "Time from the acceptance of a turn to its first text.",
        [.001, .005, .01, .02, .04, .06, .08, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10]);

    /// <summary>Whether the names for generative AI are recorded on this node (<c>--genai-telemetry</c>).</summary>
    public static bool IsEnabled => ClientDuration.Enabled;

    /// <summary>Records an attempt, and describes its span.</summary>
    public static void EndAttempt(Activity? span, Lease lease, LiveTurn turn, Error? error)
    {
        if (!IsEnabled) return;
        var (bot, pace, usage, model) = (lease.Bot, turn.Pace, turn.Log.Usage, turn.Progress.Row.Model);
        var tags = Tags(bot.Upstream, model, error);
        if (pace.SinceOpened is { } duration) ClientDuration.Record(duration.TotalSeconds, tags);
        if (pace.UpstreamFirstText is { } first) ClientFirstChunk.Record(first.TotalSeconds, tags);
        if (pace.BetweenDeltas is { } between) ClientPerChunk.Record(between.TotalSeconds, tags);
        if (usage is not null)
        {
            TokenUsage.Record(usage.InputTokens, [.. tags, new("gen_ai.token.type", "input")]);
            TokenUsage.Record(usage.OutputTokens, [.. tags, new("gen_ai.token.type", "output")]);
        }
        if (span is not { IsAllDataRequested: true }) return;
        span.DisplayName = $"{OperationOf(bot.Upstream)} {model}";
        foreach (var tag in tags) span.SetTag(tag.Key, tag.Value);
        span.SetTag("gen_ai.response.id", turn.Progress.TurnId);
        if (!UpstreamNames.IsLanguageModel(bot.Upstream)) span.SetTag("gen_ai.agent.id", bot.UpstreamBotId);
        if (turn.Log.Handle?.Ids.GetValueOrDefault("conversation_id") is { } conversation) span.SetTag("gen_ai.conversation.id", conversation);
        if (turn.Log.FinishReason is { } reason) span.SetTag("gen_ai.response.finish_reasons", new[] { WireName.Of(reason) });
        if (pace.UpstreamFirstText is { } chunk) span.SetTag("gen_ai.response.time_to_first_chunk", chunk.TotalSeconds);
        if (usage is null) return;
        span.SetTag("gen_ai.usage.input_tokens", usage.InputTokens).SetTag("gen_ai.usage.output_tokens", usage.OutputTokens);
        if (usage.CachedInputTokens is { } cached) span.SetTag("gen_ai.usage.cache_read.input_tokens", cached);
        if (usage.CacheWriteTokens is { } written) span.SetTag("gen_ai.usage.cache_creation.input_tokens", written);
        if (usage.ReasoningTokens is { } reasoning) span.SetTag("gen_ai.usage.reasoning.output_tokens", reasoning);
    }

    /// <summary>Records a turn that has ended, as its client saw it.</summary>
    public static void EndTurn(LiveTurn turn, ReplyEvent end, DateTimeOffset now)
    {
        if (!IsEnabled || turn.Pace.Upstream is not { } upstream) return;
        var tags = Tags(upstream, turn.Progress.Row.Model, (end as ReplyFailed)?.Error);
        ServerDuration.Record(Math.Max(0, (now - turn.Progress.Row.CreatedAt).TotalSeconds), tags);
        if (turn.Pace.FirstText is { } firstText) ServerFirstToken.Record(firstText.TotalSeconds, tags);
    }

    private static KeyValuePair<string, object?>[] Tags(string upstream, string model, Error? error) =>
    [
        new(OperationName, OperationOf(upstream)),
        new(ProviderName, ProviderOf(upstream)),
        new(RequestModel, model),
        .. error is null ? (KeyValuePair<string, object?>[])[] : [new("error.type", ErrorTable.Of(error.Code).Name)],
    ];

    // A bot is an agent of its platform.
    private static string OperationOf(string upstream) => UpstreamNames.IsLanguageModel(upstream) ? "chat" : "invoke_agent";

    private static string ProviderOf(string upstream) => upstream switch
    {
        UpstreamNames.Claude => "anthropic",
        UpstreamNames.Gemini => "gcp.gemini",
        UpstreamNames.Discord => "coze",
        _ => upstream,
    };

    private static Histogram<double> Seconds(string name, string description, double[] bounds) =>
        Meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = bounds });
}
