using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>What is logged about Coze. Never a prompt, a reply or a token; the log id is what Coze's support asks for.</summary>
internal static partial class CozeLog
{
    [LoggerMessage(1, LogLevel.Debug, "Coze answered {Method} {Path} with HTTP {Status} (account {Account}, logid {LogId})")]
    public static partial void Answered(this ILogger logger, HttpMethod method, string path, int status, string account, string? logId);

    [LoggerMessage(2, LogLevel.Information, "Coze refused: {Error} (code {Code}, HTTP {Status}, logid {LogId})")]
    public static partial void Refused(this ILogger logger, ErrorCode error, long? code, int status, string? logId);

    [LoggerMessage(3, LogLevel.Debug, "Turn {Turn}: Coze opened the stream (account {Account}, logid {LogId})")]
    public static partial void Opened(this ILogger logger, string turn, string account, string? logId);

    [LoggerMessage(4, LogLevel.Information, "Turn {Turn}: the reply failed at Coze: {Error} (chat {Chat}, logid {LogId})")]
    public static partial void Failed(this ILogger logger, string turn, ErrorCode error, string? chat, string? logId);

    [LoggerMessage(5, LogLevel.Information, "Turn {Turn}: the stream ended before the reply (chat {Chat}, logid {LogId})")]
    public static partial void Broke(this ILogger logger, string turn, string? chat, string? logId);

    [LoggerMessage(6, LogLevel.Information, "Turn {Turn}: looking for chat {Chat} again")]
    public static partial void Attaching(this ILogger logger, string turn, string chat);

    [LoggerMessage(7, LogLevel.Debug, "Turn {Turn}: polling chat {Chat} failed with {Error}, trying again")]
    public static partial void PollFailed(this ILogger logger, string turn, string chat, ErrorCode error);

    [LoggerMessage(8, LogLevel.Debug, "Turn {Turn}: chat {Chat} had nothing to cancel")]
    public static partial void NothingToCancel(this ILogger logger, string turn, string chat);

    [LoggerMessage(9, LogLevel.Information, "Account {Account}: new access token, good until {ExpiresAt:O}")]
    public static partial void TokenMinted(this ILogger logger, string account, DateTimeOffset expiresAt);

    [LoggerMessage(10, LogLevel.Warning, "Account {Account}: no new access token")]
    public static partial void TokenFailed(this ILogger logger, Exception exception, string account);

    [LoggerMessage(11, LogLevel.Information, "Turn {Turn}: cancelling chat {Chat}, which stands in the way")]
    public static partial void CancelsToGoOn(this ILogger logger, string turn, string chat);

    [LoggerMessage(12, LogLevel.Information, "Turn {Turn}: chat {Chat} could not be cancelled: {Error}")]
    public static partial void NotCancelled(this ILogger logger, string turn, string chat, ErrorCode error);
}
