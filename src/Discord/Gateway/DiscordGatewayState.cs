namespace CozeCluster.Discord;

/// <summary>Where a gateway connection is in its life.</summary>
internal enum GatewayPhase
{
    /// <summary>On the way to its first session.</summary>
    Connecting,

    /// <summary>Events flow.</summary>
    Ready,

    /// <summary>On a new socket, reading what it missed.</summary>
    Resuming,

    /// <summary>The connection is gone; a new one is made after a pause.</summary>
    Reconnecting,

    /// <summary>It will not come back by itself: an operator has to act.</summary>
    Fatal,
}

/// <summary>Why a connection is not ready, for those who act on it.</summary>
internal enum GatewayFault
{
    /// <summary>Nothing an operator could change.</summary>
    None,

    /// <summary>Discord refuses the token.</summary>
    BadToken,

    /// <summary>Shard number and count do not fit.</summary>
    BadShard,

    /// <summary>The bot is in so many servers that it needs more shards.</summary>
    ShardingRequired,

    /// <summary>The gateway does not speak this version.</summary>
    BadVersion,

    /// <summary>The intents are not such.</summary>
    BadIntents,

    /// <summary>An intent is not switched on in the developer portal; message content, most likely.</summary>
    DisallowedIntents,

    /// <summary>The bot may not identify any more today.</summary>
    IdentifyLimit,
}

/// <summary>The health of a gateway connection.</summary>
/// <param name="Phase">Where it is.</param>
/// <param name="Fault">Why, for those who act on it.</param>
/// <param name="Reason">Why, for people; null when all is well.</param>
/// <param name="Since">Since when.</param>
/// <param name="Until">When it goes on, where that is known to be long.</param>
internal sealed record DiscordGatewayState(GatewayPhase Phase, GatewayFault Fault, string? Reason, DateTimeOffset Since, DateTimeOffset? Until = null);
