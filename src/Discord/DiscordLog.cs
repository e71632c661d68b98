using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>Log messages about Discord. They never contain a prompt, a reply or a token. A token's owner is an account or a listener.</summary>
internal static partial class DiscordLog
{
    [LoggerMessage(101, LogLevel.Debug, "Discord answered {Route} of {TokenOwner} with HTTP {Status}")]
    public static partial void ResponseReceived(this ILogger logger, Route route, int status, string tokenOwner);

    [LoggerMessage(102, LogLevel.Information, "Discord limits the rate of {Route} of {TokenOwner}. Waiting {Wait} (scope {Scope})")]
    public static partial void RateLimited(this ILogger logger, Route route, TimeSpan wait, string scope, string tokenOwner);

    [LoggerMessage(103, LogLevel.Information, "Discord answered {Route} of {TokenOwner} with HTTP {Status}. Retrying in {Wait}")]
    public static partial void RetryingError(this ILogger logger, Route route, int status, TimeSpan wait, string tokenOwner);

    [LoggerMessage(104, LogLevel.Information, "The connection to Discord broke during {Route} of {TokenOwner}. Retrying in {Wait}")]
    public static partial void RetryingConnection(this ILogger logger, Route route, TimeSpan wait, string tokenOwner);

    [LoggerMessage(105, LogLevel.Warning, "Discord has banned this address until {Until:O}")]
    public static partial void AddressBanned(this ILogger logger, DateTimeOffset until);

    [LoggerMessage(111, LogLevel.Information, "The connection of listener {ListenerId}, shard {Shard}, to Discord's gateway is in phase {Phase}. {Reason}")]
    public static partial void GatewayStateChanged(this ILogger logger, string listenerId, int shard, DiscordGatewayPhase phase, string reason);

    [LoggerMessage(112, LogLevel.Error, "The connection of listener {ListenerId}, shard {Shard}, to Discord's gateway has stopped: {Reason}")]
    public static partial void GatewayStopped(this ILogger logger, string listenerId, int shard, string? reason);

    [LoggerMessage(113, LogLevel.Warning, "Listener {ListenerId}, shard {Shard}, may have missed events since {Since:O}")]
    public static partial void EventsMissed(this ILogger logger, string listenerId, int shard, DateTimeOffset since);

    [LoggerMessage(114, LogLevel.Warning, "Listener {ListenerId}, shard {Shard}, received a {Event} event that cannot be read")]
    public static partial void EventUnreadable(this ILogger logger, Exception exception, string listenerId, int shard, string @event);

    [LoggerMessage(115, LogLevel.Debug, "A socket of listener {ListenerId}, shard {Shard}, has ended with close code {Code}")]
    public static partial void SocketEnded(this ILogger logger, string listenerId, int shard, int? code);

    [LoggerMessage(121, LogLevel.Debug, "Account {AccountId} posted the prompt of turn {TurnId} in channel {ChannelId}, in {Messages} messages")]
    public static partial void PromptPosted(this ILogger logger, string turnId, string accountId, string channelId, int messages);

    [LoggerMessage(122, LogLevel.Warning, "The prompt of turn {TurnId} was posted only in part, and could not be removed from channel {ChannelId}: {Code}")]
    public static partial void PromptNotRemoved(this ILogger logger, Exception exception, string turnId, string channelId, ErrorCode code);

    [LoggerMessage(123, LogLevel.Information, "Reading the channel of turn {TurnId} found content that no event had delivered")]
    public static partial void FoundByReading(this ILogger logger, string turnId);

    [LoggerMessage(124, LogLevel.Information, "The channel of turn {TurnId} could not be read before the end of the reply was decided: {Code}")]
    public static partial void LastReadFailed(this ILogger logger, Exception exception, string turnId, ErrorCode code);

    [LoggerMessage(125, LogLevel.Information, "The session did not know the watch of turn {TurnId} any more, and watches the channel again")]
    public static partial void WatchRestored(this ILogger logger, string turnId);

    [LoggerMessage(126, LogLevel.Information, "The session could not be asked whether it watches the channel of turn {TurnId}")]
    public static partial void WatchUnknown(this ILogger logger, Exception exception, string turnId);

    [LoggerMessage(127, LogLevel.Information, "Turn {TurnId} was cancelled before its prompt was posted, and its channel could not be released")]
    public static partial void PreparationNotUndone(this ILogger logger, Exception exception, string turnId);

    [LoggerMessage(128, LogLevel.Warning, "A file in the reply of turn {TurnId} could not be kept. Discord deletes it with its channel")]
    public static partial void FileNotKept(this ILogger logger, Exception exception, string turnId);

    [LoggerMessage(129, LogLevel.Information, "Events of channel {ChannelId} could not be delivered to the turn that watches it, so the watch has ended")]
    public static partial void WatchEnded(this ILogger logger, Exception exception, string channelId);

    [LoggerMessage(130, LogLevel.Debug, "The session was not told that the watch of channel {ChannelId} has ended. It ends the watch itself")]
    public static partial void NotUnwatched(this ILogger logger, Exception exception, string channelId);

    [LoggerMessage(131, LogLevel.Information, "Bot {BotId} was not told the pauses of a reply. It knows them from other replies")]
    public static partial void CadenceNotRecorded(this ILogger logger, Exception exception, string botId);
}
