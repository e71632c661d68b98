using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The directives of the fake Coze. Each changes a <see cref="ChatScript"/>.</summary>
internal static class ChatDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<ChatScript> Parser = ReplyDirectives.CreateParser(
        ChatScript.Default,
        new Dictionary<string, Func<ChatScript, string?, ChatScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["answers"] = (s, v) => s with { Answers = Number(v) },
            ["followups"] = (s, v) => s with { FollowUps = Number(v) },
            ["knowledge"] = (s, v) => s with { Knowledge = Flag(v) },
            ["verbose"] = (s, v) => s with { Verbose = Flag(v) },
            ["image"] = (s, v) => s with { Image = Flag(v) },
            ["card"] = (s, v) => s with { Card = Flag(v) },
            ["audio"] = (s, v) => s with { Audio = Number(v) },
            ["rewrite"] = (s, v) => s with { Rewrite = Flag(v) },
            ["usage"] = (s, v) => s with { Usage = Usage(v) },
            ["requires_action"] = (s, v) => s with { RequiresAction = v ?? "get_weather" },
            ["ask"] = (s, v) => s with { Ask = Text(v) },
            ["finish"] = (s, v) => s with { Finish = OneOf(v, ("stop", "stop"), ("length", "length"), ("filter", "content_filter")) },
            ["wants_reasoning"] = (s, v) => s with { WantsReasoning = Flag(v) },
            ["hold"] = (s, v) => s with { Hold = Flag(v) },
            ["whole"] = (s, v) => s with { Whole = Flag(v) },

            // Timing.
            ["pace"] = (s, v) => s with { Pace = Duration(v) },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = Number(v, min: 1) },
            ["error"] = (s, v) => s with { Error = Number(v, min: 1) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? 5000 },
            ["failed"] = (s, v) => s with { Failed = Number(v, min: 1) },
            ["failed_after"] = (s, v) => s with { FailedAfter = Number(v), Failed = s.Failed ?? 5000 },
            ["failed_form"] = (s, v) => s with { FailedBare = OneOf(v, ("chat", false), ("bare", true)) },

            // Form of the SSE records and of the JSON.
            ["colon"] = (s, v) => s with { Format = s.Format with { SpaceAfterColon = OneOf(v, ("tight", false), ("space", true)) } },
            ["newline"] = (s, v) => s with { Format = s.Format with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) } },
            ["torn"] = (s, v) => s with { Format = s.Format with { Torn = Flag(v) } },
            ["escape"] = (s, v) => s with { Format = s.Format with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) } },
            ["done"] = (s, v) => s with
            {
                Format = s.Format with
                {
                    Done = OneOf(v, ("quoted", DoneFormat.Quoted), ("bare", DoneFormat.Bare), ("debug", DoneFormat.Debug), ("none", DoneFormat.None)),
                },
            },
            ["last_error"] = (s, v) => s with { Format = s.Format with { LastErrorNull = OneOf(v, ("zero", false), ("null", true)) } },
            ["usage_names"] = (s, v) => s with { Format = s.Format with { UsageInTokens = OneOf(v, ("count", false), ("tokens", true)) } },
        });

    private static ScriptedUsage Usage(string? value)
    {
        if (Text(value) == "none") return new ScriptedUsage(0, 0, Absent: true);
        var (input, output) = ReplyDirectives.Pair(value, "input/output");
        return new ScriptedUsage(input, output);
    }
}
