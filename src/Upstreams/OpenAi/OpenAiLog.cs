using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>The log messages of this upstream. They never contain prompts, replies or tokens.</summary>
internal static partial class OpenAiLog
{
    [LoggerMessage(1, LogLevel.Debug, "A model's server answered {Method} {Path} with HTTP {Status} (account {AccountId}, request {RequestId})")]
    public static partial void Answered(this ILogger logger, HttpMethod method, string path, int status, string accountId, string? requestId);

    [LoggerMessage(2, LogLevel.Information, "A model's server refused a request: {Code} (HTTP {Status}, request {RequestId})")]
    public static partial void Refused(this ILogger logger, ErrorCode code, int status, string? requestId);

    [LoggerMessage(3, LogLevel.Information, "The reply of turn {TurnId} failed at the model's server with {Code} (request {RequestId})")]
    public static partial void ReplyFailed(this ILogger logger, string turnId, ErrorCode code, string? requestId);

    [LoggerMessage(4, LogLevel.Information, "The stream of turn {TurnId} ended before its reply was complete (request {RequestId})")]
    public static partial void StreamBroken(this ILogger logger, string turnId, string? requestId);

    [LoggerMessage(6, LogLevel.Information, "The stream of turn {TurnId} broke after event {Sequence}; response {ResponseId} is read on")]
    public static partial void ReadingOn(this ILogger logger, string turnId, long sequence, string responseId);

    [LoggerMessage(7, LogLevel.Debug, "Response {ResponseId} of turn {TurnId} could not be read: {Code}. It is read again")]
    public static partial void ReadFailed(this ILogger logger, string turnId, string responseId, ErrorCode code);

    [LoggerMessage(8, LogLevel.Debug, "Response {ResponseId} of turn {TurnId} has ended already or does not exist, so there is nothing to cancel")]
    public static partial void NothingToCancel(this ILogger logger, string turnId, string responseId);

    [LoggerMessage(5, LogLevel.Information, "Turn {TurnId} was sent without an attachment of its history, which is not stored any more")]
    public static partial void AttachmentLeftOut(this ILogger logger, string turnId);
}
