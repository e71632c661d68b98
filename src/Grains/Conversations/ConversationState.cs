using System.Text.Json.Serialization;

namespace CozeCluster.Grains;

/// <summary>The stored state of a conversation.</summary>
public sealed class ConversationState
{
    /// <summary>The tenant that the conversation belongs to; empty until the first turn.</summary>
    public string TenantId { get; set; } = "";

    /// <summary>The client's name for the conversation; null if it has none and will not be continued.</summary>
    public string? Name { get; set; }

    /// <summary>The title that a client gave the conversation for people; null without one.</summary>
    public string? Title { get; set; }

    /// <summary>When the first turn was accepted.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>When a turn last began or ended.</summary>
    public DateTimeOffset LastUsedAt { get; set; }

    /// <summary>
    /// The conversation at the upstream that the next turn continues: the handle of the last turn whose ids were reported; null if there is none.
    /// </summary>
    [JsonPropertyName("home")]
    public UpstreamHandle? UpstreamConversation { get; set; }

    /// <summary>A hash of the instructions that were last sent to the upstream's conversation; null without any.</summary>
    public string? InstructionsHash { get; set; }

    /// <summary>The turns, oldest first.</summary>
    public List<TurnRecord> Turns { get; set; } = [];
}

/// <summary>One turn as it is stored.</summary>
public sealed class TurnRecord
{
    /// <summary>The turn's id.</summary>
    public string TurnId { get; set; } = "";

    /// <summary>The model that the client asked for.</summary>
    public string Model { get; set; } = "";

    /// <summary>The state of the turn.</summary>
    public TurnStatus Status { get; set; }

    /// <summary>When the turn was accepted.</summary>
    public DateTimeOffset CreatedAt { get; set; }

    /// <summary>When the turn ended; null until then.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>See <see cref="TurnRequest.Fingerprint"/>.</summary>
    public string? Fingerprint { get; set; }

    /// <summary>See <see cref="TurnRequest.Survive"/>.</summary>
    public bool Survive { get; set; }

    /// <summary>The request. It stays until the turn is sent; after that only where the tenant stores prompts.</summary>
    public TurnRequest? Request { get; set; }

    /// <summary>The intent: set just before the prompt is sent. A prompt with a saved intent is never sent again.</summary>
    public bool Sent { get; set; }

    /// <summary>The ids by which the exchange can be found again; null until they are known.</summary>
    public UpstreamHandle? Handle { get; set; }

    /// <summary>The whole reply; empty until the turn has ended.</summary>
    public IReadOnlyList<ReplyPart> Parts { get; set; } = [];

    /// <summary>Where the upstream changed text after it was delivered.</summary>
    public IReadOnlyList<Rewrite> Rewrites { get; set; } = [];

    /// <summary>How the turn ended; null until then.</summary>
    public ReplyEvent? End { get; set; }
}

/// <summary>A change of text that was delivered before.</summary>
/// <param name="Part">Ordinal of the part.</param>
/// <param name="Offset">UTF-16 units of the part that stayed valid.</param>
public readonly record struct Rewrite(int Part, int Offset);
