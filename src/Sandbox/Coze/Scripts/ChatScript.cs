namespace CozeCluster.Sandbox.Coze;

/// <summary>The behavior of one chat, set by <see cref="ChatDirectives"/>. <c>docs/sandbox.md</c> explains each directive.</summary>
internal sealed record ChatScript : ReplyScript
{
    public static readonly ChatScript Default = new();

    // Content.
    public int Answers { get; init; } = 1;
    public int FollowUps { get; init; } = 3;
    public bool Knowledge { get; init; }
    public bool Verbose { get; init; }
    public bool Image { get; init; }
    public bool Card { get; init; }
    public int Audio { get; init; }
    public bool Rewrite { get; init; }
    public ScriptedUsage? Usage { get; init; }
    public string? RequiresAction { get; init; }
    public string? Ask { get; init; }

    // Only language models.
    public string? Finish { get; init; }
    public bool WantsReasoning { get; init; }
    public bool Hold { get; init; }
    public bool Whole { get; init; }

    // Timing.
    public TimeSpan? Pace { get; init; }

    // Errors.
    public int? EarlyError { get; init; }
    public int? Error { get; init; }
    public int ErrorAfter { get; init; }
    public int? Failed { get; init; }
    public int FailedAfter { get; init; }
    public bool FailedBare { get; init; }

    // Form of the SSE records and of the JSON.
    public WireFormat Format { get; init; } = WireFormat.Default;
}

/// <summary>The usage to report. <see cref="Absent"/> omits it.</summary>
internal sealed record ScriptedUsage(int Input, int Output, bool Absent = false);

/// <summary>Details of the response in which real servers differ.</summary>
internal sealed record WireFormat
{
    public static readonly WireFormat Default = new();

    public bool SpaceAfterColon { get; init; }
    public bool CarriageReturn { get; init; }
    public bool Torn { get; init; }
    public bool AsciiOnly { get; init; }
    public DoneFormat Done { get; init; }
    public bool LastErrorNull { get; init; }
    public bool UsageInTokens { get; init; }
}

/// <summary>The data of the closing <c>done</c> record.</summary>
internal enum DoneFormat
{
    Quoted,
    Bare,
    Debug,
    None,
}
