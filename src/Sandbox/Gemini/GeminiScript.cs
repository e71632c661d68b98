using CozeCluster.Sandbox.Coze;
using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>The behavior of one reply, set by <see cref="GeminiDirectives"/>. <c>docs/sandbox.md</c> explains each directive.</summary>
internal sealed record GeminiScript
{
    public static readonly GeminiScript Default = new();

    // Content.
    public string? Say { get; init; }
    public int? Chunks { get; init; }
    public int Chunk { get; init; } = 8;
    public TextKind Text { get; init; }
    public int Seed { get; init; }
    public int Reasoning { get; init; }
    public IReadOnlyList<string> Tools { get; init; } = [];
    public string? Args { get; init; }
    public bool CallIds { get; init; }
    public int SignatureLength { get; init; } = 24;
    public bool Image { get; init; }
    public (int Input, int Output)? Usage { get; init; }
    public int? Cached { get; init; }
    public string? Finish { get; init; }
    public string? Block { get; init; }

    // Timing. A stall of null does not end.
    public TimeSpan Pace { get; init; }
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Think { get; init; }
    public int? StallAfter { get; init; }
    public TimeSpan? Stall { get; init; }

    // Errors.
    public int? EarlyError { get; init; }
    public string? Reason { get; init; }
    public int? Http { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public int? Error { get; init; }
    public int ErrorAfter { get; init; }
    public bool ErrorBare { get; init; }
    public int? CutAfter { get; init; }
    public int? DisconnectAfter { get; init; }

    // Form of the SSE records and of the JSON.
    public bool CarriageReturn { get; init; } = true;
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }

    // The error message of an invalid directive.
    public string? DirectiveError { get; init; }
}

/// <summary>The directives of the fake Gemini. Each changes a <see cref="GeminiScript"/>.</summary>
internal static class GeminiDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<GeminiScript> Parser = new(
        new Dictionary<string, Func<GeminiScript, string?, GeminiScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["say"] = (s, v) => s with { Say = Text(v) },
            ["chunks"] = (s, v) => s with { Chunks = Number(v) },
            ["chunk"] = (s, v) => s with { Chunk = Number(v, min: 1) },
            ["text"] = (s, v) => s with { Text = OneOf(v, ("plain", TextKind.Plain), ("unicode", TextKind.Unicode)) },
            ["seed"] = (s, v) => s with { Seed = Number(v) },
            ["reasoning"] = (s, v) => s with { Reasoning = Number(v) },
            ["tool"] = (s, v) => s with { Tools = [.. Text(v).Split(',', StringSplitOptions.RemoveEmptyEntries)] },
            ["args"] = (s, v) => s with { Args = Text(v) },
            ["call_ids"] = (s, v) => s with { CallIds = Flag(v) },
            ["signature"] = (s, v) => s with { SignatureLength = Number(v, max: 1_000_000) },
            ["image"] = (s, v) => s with { Image = Flag(v) },
            ["usage"] = (s, v) => s with { Usage = ReadUsage(v) },
            ["cached"] = (s, v) => s with { Cached = Number(v) },
            ["finish"] = (s, v) => s with { Finish = Text(v) },
            ["block"] = (s, v) => s with { Block = v ?? "SAFETY" },

            // Timing.
            ["pace"] = (s, v) => s with { Pace = Duration(v) },
            ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
            ["think"] = (s, v) => s with { Think = Duration(v) },
            ["stall_after"] = (s, v) => s with { StallAfter = Number(v) },
            ["stall"] = (s, v) => s with { Stall = Duration(v), StallAfter = s.StallAfter ?? 0 },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = Number(v, min: 400, max: 599) },
            ["reason"] = (s, v) => s with { Reason = Text(v) },
            ["http"] = (s, v) => s with { Http = Number(v, min: 200, max: 599) },
            ["retry_after"] = (s, v) => s with { RetryAfter = Duration(v) },
            ["error"] = (s, v) => s with { Error = Number(v, min: 400, max: 599) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? 503 },
            ["error_form"] = (s, v) => s with { ErrorBare = OneOf(v, ("record", false), ("bare", true)) },
            ["cut_after"] = (s, v) => s with { CutAfter = Number(v) },
            ["disconnect_after"] = (s, v) => s with { DisconnectAfter = Number(v) },

            // Form of the SSE records and of the JSON.
            ["newline"] = (s, v) => s with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) },
            ["torn"] = (s, v) => s with { Torn = Flag(v) },
            ["escape"] = (s, v) => s with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) },
        },
        error => GeminiScript.Default with { DirectiveError = error });

    private static (int Input, int Output) ReadUsage(string? value)
    {
        var parts = Text(value).Split('/');
        return parts.Length == 2 ? (Number(parts[0]), Number(parts[1])) : throw new DirectiveException($"'{value}' is not input/output, such as 12/34");
    }
}
