using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// The log messages of this upstream. They never contain prompts, replies or keys. <c>RequestId</c> is the id that Claude's API returns with each response
/// and that its support asks for.
/// </summary>
internal static partial class ClaudeLog
{
    [LoggerMessage(1, LogLevel.Debug, "Claude answered turn {TurnId} with HTTP {Status} (account {AccountId}, request {RequestId})")]
    public static partial void ClaudeAnswered(this ILogger logger, string turnId, int status, string accountId, string? requestId);

    [LoggerMessage(2, LogLevel.Information, "Claude refused the request of turn {TurnId}: {Code} ({Type}, HTTP {Status}, request {RequestId})")]
    public static partial void ClaudeRefused(this ILogger logger, string turnId, ErrorCode code, string? type, int status, string? requestId);

    [LoggerMessage(3, LogLevel.Information, "The reply of turn {TurnId} failed at Claude with {Code} (message {MessageId}, request {RequestId})")]
    public static partial void ClaudeReplyFailed(this ILogger logger, string turnId, ErrorCode code, string? messageId, string? requestId);

    [LoggerMessage(4, LogLevel.Information, "The stream of turn {TurnId} ended before its reply was complete (message {MessageId}, request {RequestId})")]
    public static partial void ClaudeStreamBroken(this ILogger logger, string turnId, string? messageId, string? requestId);

    [LoggerMessage(5, LogLevel.Information, "Turn {TurnId} was sent without an attachment of its history, which is not stored any more or not accepted")]
    public static partial void ClaudeAttachmentLeftOut(this ILogger logger, string turnId);
}
