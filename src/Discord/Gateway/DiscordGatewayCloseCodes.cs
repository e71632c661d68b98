namespace CozeCluster.Discord;

/// <summary>What to do after a socket has ended.</summary>
internal enum AfterClose
{
    /// <summary>Open a new socket and resume the session.</summary>
    Resume,

    /// <summary>Open a new socket and begin a new session.</summary>
    Identify,

    /// <summary>Stop: a new socket would not help.</summary>
    Stop,
}

/// <summary>How a connection ended.</summary>
/// <param name="Next">What to do next.</param>
/// <param name="Fault">The reason, for programs.</param>
/// <param name="Reason">The reason, for people.</param>
internal sealed record ConnectionEnd(AfterClose Next, DiscordGatewayFault Fault, string Reason)
{
    /// <summary>How long the connection was ready; null: never.</summary>
    public TimeSpan? ReadyFor { get; init; }

    /// <summary>Whether the connection identified, which a bot may do a limited number of times per day.</summary>
    public bool DidIdentify { get; init; }

    /// <summary>The shortest pause before the next connection.</summary>
    public TimeSpan Pause { get; init; }

    /// <summary>The connection is lost, but its session can be resumed.</summary>
    public static ConnectionEnd Resume(string reason) => new(AfterClose.Resume, DiscordGatewayFault.None, reason);
}

/// <summary>The close codes of Discord's gateway (Discord's reference, "Gateway Close Event Codes").</summary>
internal static class DiscordGatewayCloseCodes
{
    /// <summary>The code to close with when the session is to be resumed: any except 1000 and 1001, which end the session.</summary>
    public const int ToResume = 4900;

    /// <summary>What a close code means; null: the connection broke without one.</summary>
    public static ConnectionEnd EndOf(int? code) => code switch
    {
        4003 => new(AfterClose.Identify, DiscordGatewayFault.None, "The session is not authenticated (4003)."),
        4004 => new(AfterClose.Stop, DiscordGatewayFault.BadToken, "Discord rejected the token (4004)."),
        4007 => new(AfterClose.Identify, DiscordGatewayFault.None, "The session cannot be resumed from this event on (4007)."),
        4009 => new(AfterClose.Identify, DiscordGatewayFault.None, "The session has timed out (4009)."),
        4010 => new(AfterClose.Stop, DiscordGatewayFault.BadShard, "The shard number and the number of shards do not match (4010)."),
        4011 => new(AfterClose.Stop, DiscordGatewayFault.ShardingRequired, "The bot is in so many servers that it needs more shards (4011)."),
        4012 => new(AfterClose.Stop, DiscordGatewayFault.BadVersion, "Discord's gateway does not support this API version (4012)."),
        4013 => new(AfterClose.Stop, DiscordGatewayFault.BadIntents, "The intents are not valid (4013)."),
        4014 => new(AfterClose.Stop, DiscordGatewayFault.DisallowedIntents,
            "An intent is not allowed (4014): enable the message content intent of the bot in Discord's developer portal."),
        null => ConnectionEnd.Resume("The connection broke."),
        _ => ConnectionEnd.Resume($"Discord closed the connection ({code})."),
    };
}
