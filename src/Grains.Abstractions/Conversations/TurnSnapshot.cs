using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The current state of a turn, with its reply so far.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Status">Its status.</param>
/// <param name="Model">The requested model.</param>
/// <param name="ConversationName">The client's name for the conversation, if it has one.</param>
/// <param name="CreatedAt">When the conversation accepted the turn.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Prompt">
/// The messages that were new in the conversation: for its first turn all messages of the request, later those after the last answer of the bot, and the
/// instructions if they changed. Empty in a conversation without a name, and if the tenant does not store prompts.
/// </param>
/// <param name="Parts">The reply so far.</param>
/// <param name="Next">The cursor after <paramref name="Parts"/>.</param>
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

/// <summary>The status of a turn.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TurnStatus>))]
[GenerateSerializer, Alias("turn-status")]
public enum TurnStatus
{
    /// <summary>It waits for the turn before it.</summary>
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

/// <summary>A conversation with its turns, oldest first.</summary>
[GenerateSerializer, Immutable, Alias("conversation-snapshot")]
public sealed record ConversationSnapshot(ConversationSummary Summary, IReadOnlyList<TurnSnapshot> Turns);
