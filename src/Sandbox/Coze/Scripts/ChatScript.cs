namespace CozeCluster.Sandbox.Coze.Scripts;

/// <summary>How one chat behaves. Built from directives by <see cref="ScriptParser"/>; <c>docs/sandbox.md</c> explains each.</summary>
internal sealed record ChatScript
{
    public static readonly ChatScript Default = new();

    // What is said.
    public string? Say { get; init; }
    public int? Chunks { get; init; }
    public int Chunk { get; init; } = 8;
    public ReplyTextKind Text { get; init; }
    public int Seed { get; init; }
    public int Answers { get; init; } = 1;
    public int FollowUps { get; init; } = 3;
    public int Reasoning { get; init; }
    public IReadOnlyList<string> Tools { get; init; } = [];
    public bool Knowledge { get; init; }
    public bool Verbose { get; init; }
    public bool Image { get; init; }
    public bool Card { get; init; }
    public int Audio { get; init; }
    public bool Rewrite { get; init; }
    public ScriptedUsage? Usage { get; init; }
    public string? RequiresAction { get; init; }

    // When it is said. Null stall: for ever.
    public TimeSpan Pace { get; init; }
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Think { get; init; }
    public int? StallAfter { get; init; }
    public TimeSpan? Stall { get; init; }

    // How it fails.
    public int? EarlyError { get; init; }
    public int? Http { get; init; }
    public TimeSpan? RetryAfter { get; init; }
    public int? Error { get; init; }
    public int ErrorAfter { get; init; }
    public int? Failed { get; init; }
    public int FailedAfter { get; init; }
    public bool FailedBare { get; init; }
    public int? DisconnectAfter { get; init; }

    // How it looks on the wire.
    public WireForm Wire { get; init; } = WireForm.Default;

    // What was wrong with the directives, if anything.
    public string? Fault { get; init; }
}

/// <summary>Usage as a script wants it reported; <see cref="Absent"/> leaves it out.</summary>
internal sealed record ScriptedUsage(int Input, int Output, bool Absent = false);

/// <summary>The details in which real servers differ.</summary>
internal sealed record WireForm
{
    public static readonly WireForm Default = new();

    public bool SpaceAfterColon { get; init; }
    public bool CarriageReturn { get; init; }
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }
    public DoneForm Done { get; init; }
    public bool LastErrorNull { get; init; }
    public bool UsageInTokens { get; init; }
}

/// <summary>What the closing <c>done</c> record carries.</summary>
internal enum DoneForm
{
    Quoted,
    Bare,
    Debug,
    None,
}

/// <summary>What generated text is made of.</summary>
internal enum ReplyTextKind
{
    Plain,
    Unicode,
}
