namespace CozeCluster.Discord;

/// <summary>The phase of a connection to Discord's gateway.</summary>
internal enum DiscordGatewayPhase
{
    /// <summary>Its first session has not begun.</summary>
    Connecting,

    /// <summary>It receives events.</summary>
    Ready,

    /// <summary>It has a new socket and receives the events that it missed.</summary>
    Resuming,

    /// <summary>The connection broke; a new one follows after a pause.</summary>
    Reconnecting,

    /// <summary>It has stopped. An operator has to act.</summary>
    Fatal,
}

/// <summary>Why a connection is not ready, as far as an operator can act on it.</summary>
internal enum DiscordGatewayFault
{
    /// <summary>No operator can change it.</summary>
    None,

    /// <summary>Discord rejected the token.</summary>
    BadToken,

    /// <summary>The shard number and the number of shards do not match.</summary>
    BadShard,

    /// <summary>The bot is in so many servers that it needs more shards.</summary>
    ShardingRequired,

    /// <summary>Discord's gateway does not support this version.</summary>
    BadVersion,

    /// <summary>The intents are not valid.</summary>
    BadIntents,

    /// <summary>An intent is not enabled in the developer portal; most likely message content.</summary>
    DisallowedIntents,

    /// <summary>The bot has identified as often as it may today.</summary>
    IdentifyLimit,
}

/// <summary>The state of a connection to Discord's gateway.</summary>
/// <param name="Phase">Its phase.</param>
/// <param name="Fault">The reason, for programs.</param>
/// <param name="Reason">The reason, for people; null in phase <see cref="DiscordGatewayPhase.Ready"/>.</param>
/// <param name="Since">When it entered this state.</param>
/// <param name="Until">When it continues, if that is known and not soon.</param>
internal sealed record DiscordGatewayState(
    DiscordGatewayPhase Phase, DiscordGatewayFault Fault, string? Reason, DateTimeOffset Since, DateTimeOffset? Until = null);
