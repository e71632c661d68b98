namespace CozeCluster.Grains;

/// <summary>Limits that apply to every conversation.</summary>
public sealed record ConversationOptions
{
    internal const int DefaultMaxReplyChars = 4 * 1024 * 1024;
    internal const int DefaultMaxReplyParts = 2_000;

    /// <summary>Turns that may wait behind the running one; 0 to 1000. Default 8.</summary>
    public int MaxQueuedTurns { get; init; } = 8;

    /// <summary>Turns that a named conversation stores, 1 to 1000; older ones are deleted. Default 50.</summary>
    public int MaxStoredTurns { get; init; } = 50;

    /// <summary>Attempts to send one turn, on any bot and account, while no text has arrived; 1 to 10. Default 3.</summary>
    public int MaxAttempts { get; init; } = 3;

    /// <summary>
    /// The length of one reply in UTF-16 units, reasoning and the contents of items included; at least 1. A longer reply is cut there: it ends with
    /// <see cref="ErrorCode.UpstreamProtocol"/>, and the exchange is cancelled at the upstream. Default 4,194,304 (4 Mi).
    /// </summary>
    public int MaxReplyChars { get; init; } = DefaultMaxReplyChars;

    /// <summary>Parts of one reply: texts and items; at least 1. A reply with more is cut as one that is too long. Default 2,000.</summary>
    public int MaxReplyParts { get; init; } = DefaultMaxReplyParts;

    /// <summary>
    /// Whether turns are saved so that another node can resume them, where the upstream can find an exchange again. False: a turn ends with its node. The end
    /// of a turn is then stored, and appears in the log, only in named conversations; others store nothing and can be read only while their grain is active.
    /// False is meant for measuring what the saves cost. Default true.
    /// </summary>
    public bool DurableTurns { get; init; } = true;

    /// <summary>How long a turn continues without a subscriber. Default 15 s.</summary>
    public TimeSpan SubscriberGrace { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>The silence after which a subscriber receives a heartbeat. Default 2 s.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long turns without a stored prompt can be read, above all those of conversations without a name. Default 1 hour.</summary>
    public TimeSpan UnnamedRetention { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long named conversations are stored after their last use. Default 180 days, as at Coze.</summary>
    public TimeSpan NamedRetention { get; init; } = TimeSpan.FromDays(180);
}
