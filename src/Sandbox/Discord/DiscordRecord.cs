namespace CozeCluster.Sandbox.Discord;

/// <summary>The kinds of recorded events.</summary>
public enum DiscordRecordKind
{
    /// <summary>A REST request was handled. Detail: method, route and status.</summary>
    Request,

    /// <summary>A REST request got 429. Detail: the scope and the route.</summary>
    RateLimited,

    /// <summary>A message was posted. Detail: its content.</summary>
    MessageCreated,

    /// <summary>A message was edited. Detail: its new content.</summary>
    MessageEdited,

    /// <summary>A message was deleted.</summary>
    MessageDeleted,

    /// <summary>A send with an enforced nonce returned the existing message. Detail: the nonce.</summary>
    NonceMatched,

    /// <summary>The same author sent two messages with the same nonce. Detail: the nonce.</summary>
    DoubleSend,

    /// <summary>A channel or category was created. Detail: its name.</summary>
    ChannelCreated,

    /// <summary>A channel or category was deleted. Detail: its name.</summary>
    ChannelDeleted,

    /// <summary>A thread was created. Detail: its name.</summary>
    ThreadCreated,

    /// <summary>A user sent a typing indicator.</summary>
    Typing,

    /// <summary>A socket of Discord's gateway was opened. Detail: its path and query.</summary>
    SocketOpened,

    /// <summary>A socket of Discord's gateway was closed. Detail: the close code that the sandbox sent or received.</summary>
    SocketClosed,

    /// <summary>A session was created. Detail: its id.</summary>
    Identified,

    /// <summary>An identify was refused. Detail: the close code, or <c>op 9</c>.</summary>
    IdentifyRefused,

    /// <summary>A session was resumed. Detail: the number of replayed events.</summary>
    Resumed,

    /// <summary>A resume was refused. Detail: the reason.</summary>
    ResumeRefused,

    /// <summary>A heartbeat was received. Detail: its sequence number.</summary>
    Heartbeat,

    /// <summary>A Coze-hosted bot started a reply to the message. Detail: the prompt without directives.</summary>
    ReplyStarted,

    /// <summary>A Coze-hosted bot finished its reply to the message. Detail: the whole text.</summary>
    ReplyFinished,

    /// <summary>A Coze-hosted bot did not reply to a message that mentions it, or stopped its reply. Detail: the reason.</summary>
    ReplyWithheld,
}

/// <summary>One recorded event.</summary>
/// <param name="Index">Its index since the start or the last reset, from 0.</param>
/// <param name="At">When it happened, by the clock of the sandbox.</param>
/// <param name="Kind">Its kind.</param>
/// <param name="UserId">The user who caused it.</param>
/// <param name="ChannelId">Its channel.</param>
/// <param name="MessageId">Its message.</param>
/// <param name="Detail">More information; see <see cref="DiscordRecordKind"/>.</param>
public sealed record DiscordRecord(
    long Index, DateTimeOffset At, DiscordRecordKind Kind, string? UserId, string? ChannelId, string? MessageId, string? Detail);
