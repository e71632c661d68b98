using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>
/// The log messages of this upstream. They never contain prompts, replies or keys. <c>ResponseId</c> is the id that Gemini gives each reply.
/// </summary>
internal static partial class GeminiLog
{
    [LoggerMessage(1, LogLevel.Debug, "Gemini answered {Path} with HTTP {Status} (account {AccountId})")]
    public static partial void Answered(this ILogger logger, string path, int status, string accountId);

    [LoggerMessage(2, LogLevel.Information, "Gemini refused a request: {Code} (Gemini's status {GeminiStatus}, HTTP {Status})")]
    public static partial void Refused(this ILogger logger, ErrorCode code, string geminiStatus, int status);

    [LoggerMessage(3, LogLevel.Information, "The reply of turn {TurnId} failed at Gemini with {Code} (response {ResponseId})")]
    public static partial void ReplyFailed(this ILogger logger, string turnId, ErrorCode code, string? responseId);

    [LoggerMessage(4, LogLevel.Information, "The stream of turn {TurnId} ended before its reply was complete (response {ResponseId})")]
    public static partial void StreamBroken(this ILogger logger, string turnId, string? responseId);

    [LoggerMessage(5, LogLevel.Warning, "An image in the reply of turn {TurnId} could not be kept")]
    public static partial void ImageNotKept(this ILogger logger, Exception exception, string turnId);

    [LoggerMessage(6, LogLevel.Information, "Turn {TurnId} was sent without an attachment of its history, which is not available any more or does not fit")]
    public static partial void AttachmentLeftOut(this ILogger logger, string turnId);
}
