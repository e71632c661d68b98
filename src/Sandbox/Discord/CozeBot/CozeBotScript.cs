namespace CozeCluster.Sandbox.Discord;

/// <summary>How one reply of a Coze-hosted bot goes. Built from directives by <see cref="CozeBotDirectives"/>; <c>docs/sandbox.md</c> explains each.</summary>
internal sealed record CozeBotScript
{
    public static readonly CozeBotScript Default = new();

    // What is said.
    public string? Say { get; init; }
    public int? Length { get; init; }
    public bool Unicode { get; init; }
    public bool Full { get; init; }
    public bool Context { get; init; } = true;
    public string? Notice { get; init; }
    public ReplyImage Image { get; init; }
    public int Buttons { get; init; } = 3;
    public IReadOnlyList<string>? Labels { get; init; }

    // When it is said.
    public int Chunks { get; init; } = 5;
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);
    public int Jitter { get; init; }
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Pause { get; init; }
    public bool Typing { get; init; } = true;

    // How it looks.
    public ReplyForm Form { get; init; }
    public OverflowForm Overflow { get; init; }
    public bool ComponentsV2 { get; init; }
    public bool ButtonsApart { get; init; }
    public string? Placeholder { get; init; }
    public int RewriteAt { get; init; }

    // What goes wrong.
    public bool Silent { get; init; }
    public int? StopAfter { get; init; }
    public string? LateText { get; init; }
    public TimeSpan LateAfter { get; init; } = TimeSpan.FromSeconds(3);
    public bool Stale { get; init; }
    public bool Duplicate { get; init; }
    public int? DropAt { get; init; }
    public int? ReconnectAt { get; init; }
    public int? InvalidateAt { get; init; }

    // What was wrong with the directives, if anything.
    public string? Fault { get; init; }
}

/// <summary>How a reply carries its image.</summary>
internal enum ReplyImage
{
    None,
    Embed,
    Attachment,
    Link,
}

/// <summary>How a reply can be told to belong to its prompt.</summary>
internal enum ReplyForm
{
    Reply,
    Mention,
    Plain,
}

/// <summary>What becomes of text past 2,000 units.</summary>
internal enum OverflowForm
{
    Reply,
    Plain,
    Cut,
}
