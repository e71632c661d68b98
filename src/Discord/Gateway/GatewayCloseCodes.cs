namespace CozeCluster.Discord;

/// <summary>What to do when a socket has ended.</summary>
internal enum AfterClose
{
    /// <summary>New socket, same session.</summary>
    Resume,

    /// <summary>New socket, new session.</summary>
    Identify,

    /// <summary>Nothing would help.</summary>
    Stop,
}

/// <summary>The gateway's close codes (Discord's reference, "Gateway Close Event Codes").</summary>
internal static class GatewayCloseCodes
{
    /// <summary>How we close where the session is to go on: anything but 1000 and 1001, which end it.</summary>
    public const int ToResume = 4900;

    /// <summary>What a close code means; null is a connection that just broke.</summary>
    public static (AfterClose Then, GatewayFault Fault, string Reason) Of(int? code) => code switch
    {
        4003 => (AfterClose.Identify, GatewayFault.None, "The session is not authenticated (4003)."),
        4004 => (AfterClose.Stop, GatewayFault.BadToken, "Discord refuses the token (4004)."),
        4007 => (AfterClose.Identify, GatewayFault.None, "The session cannot be resumed there (4007)."),
        4009 => (AfterClose.Identify, GatewayFault.None, "The session has timed out (4009)."),
        4010 => (AfterClose.Stop, GatewayFault.BadShard, "Shard number and count do not fit (4010)."),
        4011 => (AfterClose.Stop, GatewayFault.ShardingRequired, "The bot is in so many servers that it needs more shards (4011)."),
        4012 => (AfterClose.Stop, GatewayFault.BadVersion, "The gateway does not speak this version (4012)."),
        4013 => (AfterClose.Stop, GatewayFault.BadIntents, "The intents are not valid (4013)."),
        4014 => (AfterClose.Stop, GatewayFault.DisallowedIntents,
            "An intent is not allowed (4014): switch on the message content intent of the bot in Discord's developer portal."),
        null => (AfterClose.Resume, GatewayFault.None, "The connection broke."),
        _ => (AfterClose.Resume, GatewayFault.None, $"The connection was closed ({code})."),
    };
}
