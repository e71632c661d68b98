using static CozeCluster.Sandbox.DirectiveValue;

namespace CozeCluster.Sandbox;

/// <summary>The behavior of one streamed reply that every fake of a chat API has, set by <see cref="ReplyDirectives"/>.</summary>
internal abstract record ReplyScript
{
    // Content.
    public string? Say { get; init; }
    public int? Chunks { get; init; }
    public int Chunk { get; init; } = 8;
    public TextKind Text { get; init; }
    public int Seed { get; init; }
    public int Reasoning { get; init; }
    public IReadOnlyList<string> Tools { get; init; } = [];

    // Timing. A stall of null does not end.
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Think { get; init; }
    public int? StallAfter { get; init; }
    public TimeSpan? Stall { get; init; }

    // Errors.
    public int? Http { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public int? DisconnectAfter { get; init; }

    // The error message of an invalid directive.
    public string? DirectiveError { get; init; }

    /// <summary>The answer that the directives dictate; null if they do not.</summary>
    public string? Dictated => DirectiveError is { } error ? $"The sandbox cannot follow this prompt: {error}." : Say;

    /// <summary>Whether the answer is generated from <see cref="Seed"/>, unless it is <see cref="Dictated"/>.</summary>
    public bool IsGenerated => Chunks is not null || Text != TextKind.Plain;
}

/// <summary>The directives that every fake of a chat API has. Each changes a <see cref="ReplyScript"/>.</summary>
internal static class ReplyDirectives
{
    private static readonly Dictionary<string, Func<ReplyScript, string?, ReplyScript>> Common = new(StringComparer.Ordinal)
    {
        // Content.
        ["say"] = (s, v) => s with { Say = Text(v) },
        ["chunks"] = (s, v) => s with { Chunks = Number(v) },
        ["chunk"] = (s, v) => s with { Chunk = Number(v, min: 1) },
        ["text"] = (s, v) => s with { Text = OneOf(v, ("plain", TextKind.Plain), ("unicode", TextKind.Unicode)) },
        ["seed"] = (s, v) => s with { Seed = Number(v) },
        ["reasoning"] = (s, v) => s with { Reasoning = Number(v) },
        ["tool"] = (s, v) => s with { Tools = [.. Text(v).Split(',', StringSplitOptions.RemoveEmptyEntries)] },

        // Timing.
        ["first_byte"] = (s, v) => s with { FirstByte = Duration(v) },
        ["think"] = (s, v) => s with { Think = Duration(v) },
        ["stall_after"] = (s, v) => s with { StallAfter = Number(v) },
        ["stall"] = (s, v) => s with { Stall = Duration(v), StallAfter = s.StallAfter ?? 0 },

        // Errors.
        ["http"] = (s, v) => s with { Http = Number(v, min: 200, max: 599) },
        ["retry_after"] = (s, v) => s with { RetryAfter = Duration(v) },
        ["disconnect_after"] = (s, v) => s with { DisconnectAfter = Number(v) },
    };

    /// <summary>Creates the parser of a fake.</summary>
    /// <param name="initial">The script without directives.</param>
    /// <param name="own">The directives that other fakes do not have, or have with other values.</param>
    public static DirectiveParser<TScript> CreateParser<TScript>(TScript initial, Dictionary<string, Func<TScript, string?, TScript>> own)
        where TScript : ReplyScript
    {
        // A copy of a script has the type of the script.
        foreach (var (name, apply) in Common) own.Add(name, (script, value) => (TScript)apply(script, value));
        return new DirectiveParser<TScript>(own, error => (TScript)((ReplyScript)initial with { DirectiveError = error }));
    }

    /// <summary>Two numbers of tokens.</summary>
    /// <param name="value">The value, such as <c>12/34</c>.</param>
    /// <param name="names">What an error calls the numbers.</param>
    public static (int One, int Other) Pair(string? value, string names)
    {
        var parts = Text(value).Split('/');
        return parts.Length == 2 ? (Number(parts[0]), Number(parts[1])) : throw new DirectiveException($"'{value}' is not {names}, such as 12/34");
    }
}

/// <summary>The words of generated text.</summary>
internal enum TextKind
{
    Plain,
    Unicode,
}
