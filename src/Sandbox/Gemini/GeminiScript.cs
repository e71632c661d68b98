using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox.Gemini;

/// <summary>The behavior of one reply, set by <see cref="GeminiDirectives"/>. <c>docs/sandbox.md</c> explains each directive.</summary>
internal sealed record GeminiScript : ReplyScript
{
    public static readonly GeminiScript Default = new();

    // Content.
    public string? Args { get; init; }
    public bool CallIds { get; init; }
    public int SignatureLength { get; init; } = 24;
    public bool Image { get; init; }
    public (int Input, int Output)? Usage { get; init; }
    public int? Cached { get; init; }
    public string? Finish { get; init; }
    public string? Block { get; init; }

    // Timing.
    public TimeSpan Pace { get; init; }

    // Errors.
    public int? EarlyError { get; init; }
    public string? Reason { get; init; }
    public int? Error { get; init; }
    public int ErrorAfter { get; init; }
    public bool ErrorBare { get; init; }
    public int? CutAfter { get; init; }

    // Form of the SSE records and of the JSON.
    public bool CarriageReturn { get; init; } = true;
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }
}

/// <summary>The directives of the fake Gemini. Each changes a <see cref="GeminiScript"/>.</summary>
internal static class GeminiDirectives
{
    /// <summary>Parses directives into a script.</summary>
    public static readonly DirectiveParser<GeminiScript> Parser = ReplyDirectives.CreateParser(
        GeminiScript.Default,
        new Dictionary<string, Func<GeminiScript, string?, GeminiScript>>(StringComparer.Ordinal)
        {
            // Content.
            ["args"] = (s, v) => s with { Args = Text(v) },
            ["call_ids"] = (s, v) => s with { CallIds = Flag(v) },
            ["signature"] = (s, v) => s with { SignatureLength = Number(v, max: 1_000_000) },
            ["image"] = (s, v) => s with { Image = Flag(v) },
            ["usage"] = (s, v) => s with { Usage = ReplyDirectives.Pair(v, "input/output") },
            ["cached"] = (s, v) => s with { Cached = Number(v) },
            ["finish"] = (s, v) => s with { Finish = Text(v) },
            ["block"] = (s, v) => s with { Block = v ?? "SAFETY" },

            // Timing.
            ["pace"] = (s, v) => s with { Pace = Duration(v) },

            // Errors.
            ["early_error"] = (s, v) => s with { EarlyError = Number(v, min: 400, max: 599) },
            ["reason"] = (s, v) => s with { Reason = Text(v) },
            ["error"] = (s, v) => s with { Error = Number(v, min: 400, max: 599) },
            ["error_after"] = (s, v) => s with { ErrorAfter = Number(v), Error = s.Error ?? 503 },
            ["error_form"] = (s, v) => s with { ErrorBare = OneOf(v, ("record", false), ("bare", true)) },
            ["cut_after"] = (s, v) => s with { CutAfter = Number(v) },

            // Form of the SSE records and of the JSON.
            ["newline"] = (s, v) => s with { CarriageReturn = OneOf(v, ("lf", false), ("crlf", true)) },
            ["torn"] = (s, v) => s with { Torn = Flag(v) },
            ["escape"] = (s, v) => s with { AsciiOnly = OneOf(v, ("utf8", false), ("ascii", true)) },
        });
}
