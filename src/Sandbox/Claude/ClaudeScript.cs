using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Claude;

/// <summary>The behavior of one message, set by <see cref="ClaudeDirectives"/>. <c>docs/sandbox.md</c> explains each directive.</summary>
internal sealed record ClaudeScript : ReplyScript
{
    public static readonly ClaudeScript Default = new() { Reasoning = 3 };

    // Content.
    public bool Redacted { get; init; }
    public string? Arguments { get; init; }
    public string? Stop { get; init; }
    public (int Input, int Output)? Usage { get; init; }
    public (int Read, int Write)? Cache { get; init; }

    // Timing.
    public TimeSpan? Pace { get; init; }

    // Errors.
    public string? EarlyError { get; init; }
    public TimeSpan? ResetAfter { get; init; }
    public string? Error { get; init; }
    public int ErrorAfter { get; init; }
    public int? CutAfter { get; init; }

    // Form of the SSE records and of the JSON.
    public bool SpaceAfterColon { get; init; } = true;
    public bool CarriageReturn { get; init; }
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }
    public bool Unknown { get; init; }
}

/// <summary>The directives of the fake Claude. Each changes a <see cref="ClaudeScript"/>.</summary>
internal static class ClaudeDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<ClaudeScript> Parser = ReplyDirectives.CreateParser(
        ClaudeScript.Default,
        new Dictionary<string, Func<ClaudeScript, string?, ClaudeScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["redacted"] = (s, v) => s with { Redacted = Flag(v) },
            ["args"] = (s, v) => s with { Arguments = Text(v) },
            ["refusal"] = (s, v) => s with { Stop = Flag(v) ? "refusal" : null },
            ["stop"] = (s, v) => s with
            {
                Stop = OneOf(
                    v, ("end_turn", "end_turn"), ("max_tokens", "max_tokens"), ("stop_sequence", "stop_sequence"), ("tool_use", "tool_use"),
                    ("pause_turn", "pause_turn"), ("refusal", "refusal"), ("model_context_window_exceeded", "model_context_window_exceeded")),
            },
            ["usage"] = (s, v) => s with { Usage = ReplyDirectives.Pair(v, "input/output") },
            ["cache"] = (s, v) => s with { Cache = ReplyDirectives.Pair(v, "read/write") },

            // Timing.
            ["pace"] = (s, v) => s with { Pace = Duration(v) },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = ErrorName(v) },
            ["reset_after"] = (s, v) => s with { ResetAfter = Duration(v) },
            ["error"] = (s, v) => s with { Error = ErrorName(v) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? "overloaded_error" },
            ["cut_after"] = (s, v) => s with { CutAfter = Number(v) },

            // Form of the SSE records and of the JSON.
            ["colon"] = (s, v) => s with { SpaceAfterColon = OneOf(v, ("tight", false), ("space", true)) },
            ["newline"] = (s, v) => s with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) },
            ["torn"] = (s, v) => s with { Torn = Flag(v) },
            ["escape"] = (s, v) => s with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) },
            ["unknown"] = (s, v) => s with { Unknown = Flag(v) },
        });

    private static string ErrorName(string? value)
    {
        ClaudeException.Named(Text(value));
        return value!;
    }
}
