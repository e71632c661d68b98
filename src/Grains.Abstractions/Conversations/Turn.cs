using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The state of a turn.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TurnStatus>))]
[GenerateSerializer, Alias("turn-status")]
public enum TurnStatus
{
    /// <summary>Waits for the turn before it.</summary>
    Queued,

    /// <summary>The upstream is working on it.</summary>
    Running,

    /// <summary>The reply is complete.</summary>
    Completed,

    /// <summary>It ended with an error.</summary>
    Failed,

    /// <summary>It was cancelled.</summary>
    Cancelled,
}

/// <summary>A request to receive a turn's reply.</summary>
/// <param name="Id">Minted by the reader; a second subscription of the same id replaces the first.</param>
/// <param name="After">Where to begin.</param>
/// <param name="Feed">Where batches are posted.</param>
[GenerateSerializer, Immutable, Alias("subscription")]
public sealed record Subscription(string Id, Cursor After, FeedAddress Feed);

/// <summary>The current state of a turn, with its reply so far or whole.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Status">Its state.</param>
/// <param name="Model">The model asked for.</param>
/// <param name="ConversationName">The client's name for the conversation, if it has one.</param>
/// <param name="CreatedAt">When it was taken.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Prompt">The prompt; empty where the tenant does not store prompts.</param>
/// <param name="Parts">The reply so far.</param>
/// <param name="Next">The cursor behind <paramref name="Parts"/>.</param>
/// <param name="End">How it ended: <see cref="ReplyCompleted"/> or <see cref="ReplyFailed"/>; null while it runs.</param>
[GenerateSerializer, Immutable, Alias("turn-snapshot")]
public sealed record TurnSnapshot(
    string TurnId,
    TurnStatus Status,
    string Model,
    string? ConversationName,
    DateTimeOffset CreatedAt,
    DateTimeOffset? EndedAt,
    IReadOnlyList<ChatMessage> Prompt,
    IReadOnlyList<ReplyPart> Parts,
    Cursor Next,
    ReplyEvent? End);

/// <summary>A part of a reply: text, reasoning, or an item.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(TextPart), "text")]
[JsonDerivedType(typeof(ReasoningPart), "reasoning")]
[JsonDerivedType(typeof(ItemPart), "item")]
[GenerateSerializer, Immutable, Alias("reply-part")]
public abstract record ReplyPart;

/// <summary>An answer, or as much of it as there is.</summary>
[GenerateSerializer, Immutable, Alias("text-part")]
public sealed record TextPart(string Text) : ReplyPart;

/// <summary>Reasoning, or as much of it as there is.</summary>
[GenerateSerializer, Immutable, Alias("reasoning-part")]
public sealed record ReasoningPart(string Text) : ReplyPart;

/// <summary>A part that is not text.</summary>
[GenerateSerializer, Immutable, Alias("item-part")]
public sealed record ItemPart(ReplyItem Item) : ReplyPart;

/// <summary>A conversation as lists show it.</summary>
/// <param name="Name">The client's name for it.</param>
/// <param name="Title">What the client calls it for people; null until renamed.</param>
/// <param name="CreatedAt">When it was first used.</param>
/// <param name="LastUsedAt">When a turn last began or ended.</param>
/// <param name="Turns">How many turns it holds.</param>
[GenerateSerializer, Immutable, Alias("conversation-summary")]
public sealed record ConversationSummary(string Name, string? Title, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt, int Turns);

/// <summary>A conversation with its turns, oldest first.</summary>
[GenerateSerializer, Immutable, Alias("conversation-snapshot")]
public sealed record ConversationSnapshot(ConversationSummary Summary, IReadOnlyList<TurnSnapshot> Turns);
