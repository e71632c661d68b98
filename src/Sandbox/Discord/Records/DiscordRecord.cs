namespace CozeCluster.Sandbox.Discord;

/// <summary>What happened.</summary>
public enum DiscordRecordKind
{
    /// <summary>A REST request was answered; the detail is method, route and status.</summary>
    Request,

    /// <summary>A REST request got 429; the detail is the scope and the route.</summary>
    RateLimited,

    /// <summary>A message was posted; the detail is its content.</summary>
    MessageCreated,

    /// <summary>A message was edited; the detail is its new content.</summary>
    MessageEdited,

    /// <summary>A message was deleted.</summary>
    MessageDeleted,

    /// <summary>A send with an enforced nonce found its first message again; the detail is the nonce.</summary>
    NonceMatched,

    /// <summary>The same author sent the same nonce as two messages; the detail is the nonce.</summary>
    DoubleSend,

    /// <summary>A channel or category was made; the detail is its name.</summary>
    ChannelCreated,

    /// <summary>A channel or category was deleted; the detail is its name.</summary>
    ChannelDeleted,

    /// <summary>A thread was made; the detail is its name.</summary>
    ThreadCreated,

    /// <summary>Somebody types.</summary>
    Typing,

    /// <summary>A gateway socket was opened; the detail is its query.</summary>
    SocketOpened,

    /// <summary>A gateway socket ended; the detail is the close code the sandbox sent or saw.</summary>
    SocketClosed,

    /// <summary>A session began; the detail is its id.</summary>
    Identified,

    /// <summary>An identify was refused; the detail is the close code, or <c>op 9</c>.</summary>
    IdentifyRefused,

    /// <summary>A session was resumed; the detail is how many events were replayed.</summary>
    Resumed,

    /// <summary>A resume was refused; the detail is why.</summary>
    ResumeRefused,

    /// <summary>A heartbeat came in; the detail is its sequence number.</summary>
    Heartbeat,

    /// <summary>A Coze-hosted bot begins to answer the message; the detail is its directives.</summary>
    ReplyStarted,

    /// <summary>A Coze-hosted bot is done with the message; the detail is the whole text.</summary>
    ReplyFinished,

    /// <summary>A Coze-hosted bot ignored a message that mentions it; the detail is why.</summary>
    ReplyWithheld,
}

/// <summary>One line of what happened.</summary>
/// <param name="Index">Place in the record since start or reset, from 0.</param>
/// <param name="At">When, by the sandbox's clock.</param>
/// <param name="Kind">What.</param>
/// <param name="UserId">Who did it.</param>
/// <param name="ChannelId">Where.</param>
/// <param name="MessageId">To which message.</param>
/// <param name="Detail">The rest, see <see cref="DiscordRecordKind"/>.</param>
public sealed record DiscordRecord(
    long Index, DateTimeOffset At, DiscordRecordKind Kind, string? UserId, string? ChannelId, string? MessageId, string? Detail);
