namespace CozeCluster.Sandbox.Discord;

/// <summary>
/// The behavior of one reply of a Coze-hosted bot, set by <see cref="CozeBotDirectives"/>. <c>docs/sandbox.md</c> explains each directive.
/// </summary>
internal sealed record CozeBotScript
{
    public static readonly CozeBotScript Default = new();

    // Content.
    public string? Say { get; init; }
    public int? Length { get; init; }
    public bool Unicode { get; init; }
    public bool Full { get; init; }
    public bool Context { get; init; } = true;
    public string? Notice { get; init; }
    public ReplyImage Image { get; init; }
    public int Buttons { get; init; } = 3;
    public IReadOnlyList<string>? Labels { get; init; }

    // Timing.
    public int Chunks { get; init; } = 5;
    public TimeSpan Pace { get; init; } = TimeSpan.FromMilliseconds(20);
    public int Jitter { get; init; }
    public TimeSpan FirstByte { get; init; }
    public TimeSpan Pause { get; init; }
    public bool Typing { get; init; } = true;

    // Form of the messages.
    public PromptLink Link { get; init; }
    public OverflowMode Overflow { get; init; }
    public int PageLength { get; init; } = MessageValidator.MaxContentLength;
    public bool WholeWords { get; init; }
    public bool ComponentsV2 { get; init; }
    public bool ButtonsApart { get; init; }
    public string? Placeholder { get; init; }
    public int RewriteAt { get; init; }

    // Faults.
    public bool Silent { get; init; }
    public int? StopAfter { get; init; }
    public string? LateText { get; init; }
    public TimeSpan LateAfter { get; init; } = TimeSpan.FromSeconds(3);
    public bool Stale { get; init; }
    public bool Duplicate { get; init; }
    public int? DropAt { get; init; }
    public int? ReconnectAt { get; init; }
    public int? InvalidateAt { get; init; }

    // The error message of an invalid directive.
    public string? DirectiveError { get; init; }
}

/// <summary>How a reply contains its image.</summary>
internal enum ReplyImage
{
    None,
    Embed,
    Attachment,
    Link,
}

/// <summary>How a reply refers to its prompt.</summary>
internal enum PromptLink
{
    Reply,
    Mention,
    None,
}

/// <summary>What happens to text beyond the length of one message.</summary>
internal enum OverflowMode
{
    /// <summary>It is sent in further messages, which refer to the prompt.</summary>
    Reply,

    /// <summary>It is sent in further messages without a reference.</summary>
    Plain,

    /// <summary>It is not sent.</summary>
    Cut,
}
