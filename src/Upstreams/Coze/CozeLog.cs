using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// The log messages of this upstream. They never contain prompts, replies or tokens. <c>LogId</c> is the id that Coze returns with each response and that its
/// support asks for.
/// </summary>
internal static partial class CozeLog
{
    [LoggerMessage(1, LogLevel.Debug, "Coze answered {Method} {Path} with HTTP {Status} (account {AccountId}, logid {LogId})")]
    public static partial void Answered(this ILogger logger, HttpMethod method, string path, int status, string accountId, string? logId);

    [LoggerMessage(2, LogLevel.Information, "Coze refused a request: {Code} (Coze's code {CozeCode}, HTTP {Status}, logid {LogId})")]
    public static partial void Refused(this ILogger logger, ErrorCode code, long? cozeCode, int status, string? logId);

    [LoggerMessage(3, LogLevel.Debug, "Coze opened the stream of turn {TurnId} (account {AccountId}, logid {LogId})")]
    public static partial void StreamOpened(this ILogger logger, string turnId, string accountId, string? logId);

    [LoggerMessage(4, LogLevel.Information, "The reply of turn {TurnId} failed at Coze with {Code} (chat {ChatId}, logid {LogId})")]
    public static partial void ReplyFailed(this ILogger logger, string turnId, ErrorCode code, string? chatId, string? logId);

    [LoggerMessage(5, LogLevel.Information, "The stream of turn {TurnId} ended before its reply was complete (chat {ChatId}, logid {LogId})")]
    public static partial void StreamBroken(this ILogger logger, string turnId, string? chatId, string? logId);

    [LoggerMessage(6, LogLevel.Information, "Turn {TurnId} polls chat {ChatId} for its reply")]
    public static partial void PollingStarted(this ILogger logger, string turnId, string chatId);

    [LoggerMessage(7, LogLevel.Debug, "Turn {TurnId} could not poll chat {ChatId} and will retry: {Code}")]
    public static partial void PollFailed(this ILogger logger, string turnId, string chatId, ErrorCode code);

    [LoggerMessage(8, LogLevel.Debug, "Turn {TurnId} did not cancel chat {ChatId}, because the chat has ended or does not exist")]
    public static partial void NothingToCancel(this ILogger logger, string turnId, string chatId);

    [LoggerMessage(9, LogLevel.Information, "Account {AccountId} received a new access token, which expires at {ExpiresAt:O}")]
    public static partial void TokenReceived(this ILogger logger, string accountId, DateTimeOffset expiresAt);

    [LoggerMessage(10, LogLevel.Warning, "Account {AccountId} did not receive a new access token")]
    public static partial void TokenFailed(this ILogger logger, Exception exception, string accountId);

    [LoggerMessage(11, LogLevel.Information, "Turn {TurnId} cancels chat {ChatId}, the unfinished previous chat of its conversation")]
    public static partial void CancellingPreviousChat(this ILogger logger, string turnId, string chatId);

    [LoggerMessage(12, LogLevel.Information, "Turn {TurnId} could not cancel chat {ChatId}, the previous chat of its conversation: {Code}")]
    public static partial void PreviousChatNotCancelled(this ILogger logger, string turnId, string chatId, ErrorCode code);
}
