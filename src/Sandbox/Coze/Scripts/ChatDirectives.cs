using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Coze;

/// <summary>The directives of the fake Coze. Each changes a <see cref="ChatScript"/>.</summary>
internal static class ChatDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<ChatScript> Parser = new(
        new Dictionary<string, Func<ChatScript, string?, ChatScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["say"] = (s, v) => s with { Say = Text(v) },
            ["chunks"] = (s, v) => s with { Chunks = Number(v) },
            ["chunk"] = (s, v) => s with { Chunk = Number(v, min: 1) },
            ["text"] = (s, v) => s with { Text = OneOf(v, ("plain", TextKind.Plain), ("unicode", TextKind.Unicode)) },
            ["seed"] = (s, v) => s with { Seed = Number(v) },
            ["answers"] = (s, v) => s with { Answers = Number(v) },
            ["followups"] = (s, v) => s with { FollowUps = Number(v) },
            ["reasoning"] = (s, v) => s with { Reasoning = Number(v) },
            ["tool"] = (s, v) => s with { Tools = [.. Text(v).Split(',', StringSplitOptions.RemoveEmptyEntries)] },
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
            ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
            ["think"] = (s, v) => s with { Think = Duration(v) },
            ["stall_after"] = (s, v) => s with { StallAfter = Number(v) },
            ["stall"] = (s, v) => s with { Stall = Duration(v), StallAfter = s.StallAfter ?? 0 },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = Number(v, min: 1) },
            ["http"] = (s, v) => s with { Http = Number(v, min: 200, max: 599) },
            ["retry_after"] = (s, v) => s with { RetryAfter = Duration(v) },
            ["error"] = (s, v) => s with { Error = Number(v, min: 1) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? 5000 },
            ["failed"] = (s, v) => s with { Failed = Number(v, min: 1) },
            ["failed_after"] = (s, v) => s with { FailedAfter = Number(v), Failed = s.Failed ?? 5000 },
            ["failed_form"] = (s, v) => s with { FailedBare = OneOf(v, ("chat", false), ("bare", true)) },
            ["disconnect_after"] = (s, v) => s with { DisconnectAfter = Number(v) },

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
        },
        error => ChatScript.Default with { DirectiveError = error });

    private static ScriptedUsage Usage(string? value)
    {
        if (Text(value) == "none") return new ScriptedUsage(0, 0, Absent: true);
        var parts = value!.Split('/');
        return parts.Length == 2
            ? new ScriptedUsage(Number(parts[0]), Number(parts[1]))
            : throw new DirectiveException($"'{value}' is neither input/output, such as 12/34, nor none");
    }
}
