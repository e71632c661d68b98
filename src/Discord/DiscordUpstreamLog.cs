using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>What is logged about turns on Discord. Never a prompt or a reply.</summary>
internal static partial class DiscordUpstreamLog
{
    [LoggerMessage(121, LogLevel.Debug, "Turn {TurnId} was posted with account {AccountId} in channel {ChannelId}, in {Parts} messages")]
    public static partial void Prompted(this ILogger logger, string turnId, string accountId, string channelId, int parts);

    [LoggerMessage(122, LogLevel.Warning, "What was posted in channel {ChannelId} could not be taken back: {Code}")]
    public static partial void NotTakenBack(this ILogger logger, Exception exception, string channelId, ErrorCode code);

    [LoggerMessage(123, LogLevel.Information, "Turn {TurnId}: reading the channel showed what no event had told")]
    public static partial void FoundByReading(this ILogger logger, string turnId);

    [LoggerMessage(124, LogLevel.Information, "Turn {TurnId}: the channel could not be read again before the reply was taken for ended: {Code}")]
    public static partial void NotReadAgain(this ILogger logger, Exception exception, string turnId, ErrorCode code);

    [LoggerMessage(125, LogLevel.Information, "Turn {TurnId}: the session had forgotten its channel, and watches it again")]
    public static partial void WatchedAgain(this ILogger logger, string turnId);

    [LoggerMessage(126, LogLevel.Information, "Turn {TurnId}: whether its channel is watched cannot be told now")]
    public static partial void NotWatchedAgain(this ILogger logger, Exception exception, string turnId);
}
