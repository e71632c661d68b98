using CozeCluster.Sandbox.Coze;
using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Claude;

/// <summary>The behavior of one message, set by <see cref="ClaudeDirectives"/>. <c>docs/sandbox.md</c> explains each directive.</summary>
internal sealed record ClaudeScript
{
    public static readonly ClaudeScript Default = new();

    // Content.
    public string? Say { get; init; }
    public int? Chunks { get; init; }
    public int Chunk { get; init; } = 8;
    public TextKind Text { get; init; }
    public int Seed { get; init; }
    public int Reasoning { get; init; } = 3;
    public bool Redacted { get; init; }
    public IReadOnlyList<string> Tools { get; init; } = [];
    public string? Arguments { get; init; }
    public string? Stop { get; init; }
    public (int Input, int Output)? Usage { get; init; }
    public (int Read, int Write)? Cache { get; init; }

    // Timing. A stall of null does not end.
    public TimeSpan? Pace { get; init; }
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Think { get; init; }
    public int? StallAfter { get; init; }
    public TimeSpan? Stall { get; init; }

    // Errors.
    public string? EarlyError { get; init; }
    public int? Http { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public TimeSpan? ResetAfter { get; init; }
    public string? Error { get; init; }
    public int ErrorAfter { get; init; }
    public int? DisconnectAfter { get; init; }
    public int? CutAfter { get; init; }

    // Form of the SSE records and of the JSON.
    public bool SpaceAfterColon { get; init; } = true;
    public bool CarriageReturn { get; init; }
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }
    public bool Unknown { get; init; }

    // The error message of an invalid directive.
    public string? DirectiveError { get; init; }
}

/// <summary>The directives of the fake Claude. Each changes a <see cref="ClaudeScript"/>.</summary>
internal static class ClaudeDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<ClaudeScript> Parser = new(
        new Dictionary<string, Func<ClaudeScript, string?, ClaudeScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["say"] = (s, v) => s with { Say = Text(v) },
            ["chunks"] = (s, v) => s with { Chunks = Number(v) },
            ["chunk"] = (s, v) => s with { Chunk = Number(v, min: 1) },
            ["text"] = (s, v) => s with { Text = OneOf(v, ("plain", TextKind.Plain), ("unicode", TextKind.Unicode)) },
            ["seed"] = (s, v) => s with { Seed = Number(v) },
            ["reasoning"] = (s, v) => s with { Reasoning = Number(v) },
            ["redacted"] = (s, v) => s with { Redacted = Flag(v) },
            ["tool"] = (s, v) => s with { Tools = [.. Text(v).Split(',', StringSplitOptions.RemoveEmptyEntries)] },
            ["args"] = (s, v) => s with { Arguments = Text(v) },
            ["refusal"] = (s, v) => s with { Stop = Flag(v) ? "refusal" : null },
            ["stop"] = (s, v) => s with
            {
                Stop = OneOf(
                    v, ("end_turn", "end_turn"), ("max_tokens", "max_tokens"), ("stop_sequence", "stop_sequence"), ("tool_use", "tool_use"),
                    ("pause_turn", "pause_turn"), ("refusal", "refusal"), ("model_context_window_exceeded", "model_context_window_exceeded")),
            },
            ["usage"] = (s, v) => s with { Usage = Pair(v) },
            ["cache"] = (s, v) => s with { Cache = Pair(v) },

            // Timing.
            ["pace"] = (s, v) => s with { Pace = Duration(v) },
            ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
            ["think"] = (s, v) => s with { Think = Duration(v) },
            ["stall_after"] = (s, v) => s with { StallAfter = Number(v) },
            ["stall"] = (s, v) => s with { Stall = Duration(v), StallAfter = s.StallAfter ?? 0 },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = ErrorName(v) },
            ["http"] = (s, v) => s with { Http = Number(v, min: 200, max: 599) },
            ["retry_after"] = (s, v) => s with { RetryAfter = Duration(v) },
            ["reset_after"] = (s, v) => s with { ResetAfter = Duration(v) },
            ["error"] = (s, v) => s with { Error = ErrorName(v) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? "overloaded_error" },
            ["disconnect_after"] = (s, v) => s with { DisconnectAfter = Number(v) },
            ["cut_after"] = (s, v) => s with { CutAfter = Number(v) },

            // Form of the SSE records and of the JSON.
            ["colon"] = (s, v) => s with { SpaceAfterColon = OneOf(v, ("tight", false), ("space", true)) },
            ["newline"] = (s, v) => s with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) },
            ["torn"] = (s, v) => s with { Torn = Flag(v) },
            ["escape"] = (s, v) => s with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) },
            ["unknown"] = (s, v) => s with { Unknown = Flag(v) },
        },
        error => ClaudeScript.Default with { DirectiveError = error });

    private static string ErrorName(string? value)
    {
        ClaudeException.Named(Text(value));
        return value!;
    }

    private static (int, int) Pair(string? value)
    {
        var parts = Text(value).Split('/');
        return parts.Length == 2 ? (Number(parts[0]), Number(parts[1])) : throw new DirectiveException($"'{value}' is not two numbers, such as 12/34");
    }
}
