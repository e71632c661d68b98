namespace CozeCluster.Grains;

/// <summary>What a conversation stores.</summary>
public sealed class ConversationState
{
    /// <summary>Whose it is; empty until the first turn.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>The client's name for it; null for a fresh one.</summary>
    public string? Name { get; set; }

    /// <summary>What the client calls it for people.</summary>
    public string? Title { get; set; }

    /// <summary>When the first turn was taken.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>When a turn last began or ended.</summary>
    public DateTimeOffset LastUsedAt { get; set; }

    /// <summary>Where it lives at the far side: the handle of the last turn that got that far.</summary>
    public UpstreamHandle? Home { get; set; }

    /// <summary>A hash of the instructions the far side's conversation was last given.</summary>
    public string? InstructionsHash { get; set; }

    /// <summary>Its turns, oldest first.</summary>
    public List<TurnRecord> Turns { get; set; } = [];
}

/// <summary>One turn as stored.</summary>
public sealed class TurnRecord
{
    /// <summary>The turn.</summary>
    public string TurnId { get; set; } = "";

    /// <summary>The model asked for.</summary>
    public string Model { get; set; } = "";

    /// <summary>Where it stands.</summary>
    public TurnStatus Status { get; set; }

    /// <summary>When it was taken.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>See <see cref="TurnRequest.Fingerprint"/>.</summary>
    public string? Fingerprint { get; set; }

    /// <summary>See <see cref="TurnRequest.Survive"/>.</summary>
    public bool Survive { get; set; }

    /// <summary>What was asked: held until the turn is sent, and kept afterwards where the tenant stores prompts.</summary>
    public TurnRequest? Request { get; set; }

    /// <summary>Set just before the prompt goes out: from then on it is never sent again.</summary>
    public bool Sent { get; set; }

    /// <summary>Where the exchange can be found again.</summary>
    public UpstreamHandle? Handle { get; set; }

    /// <summary>The whole reply, once it ended.</summary>
    public IReadOnlyList<ReplyPart> Parts { get; set; } = [];

    /// <summary>Where text of it was changed after it had been told.</summary>
    public IReadOnlyList<Rewrite> Rewrites { get; set; } = [];

    /// <summary>How it ended.</summary>
    public ReplyEvent? End { get; set; }
}

/// <summary>A change of text that stood.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">UTF-16 units of its text that still stood.</param>
public readonly record struct Rewrite(int Part, int Offset);
