using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Replies;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Http;

/// <summary>The outermost middleware: gives every request its id and its log line, and every error response an OpenAI error body.</summary>
internal sealed partial class RequestEnvelope(RequestDelegate next, GatewayMetrics metrics, TimeProvider time, ILogger<RequestEnvelope> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var info = new RequestInfo { RequestId = RequestInfo.RequestIdFor(context.Request), StartedAt = time.GetTimestamp() };
        context.Features.Set(info);
        RequestSpans.Begin(context);
        context.Response.Headers["x-request-id"] = info.RequestId;
        try
        {
            await next(context);
            if (context.Response.StatusCode >= 400 && HasNoBody(context.Response)) await ErrorRenderer.Write(context, ErrorRenderer.OfStatus(context));
        }
        catch (ReplyCutException)
        {
            End(context, info);
            throw;
        }
        catch (Exception exception)
        {
            await WriteError(context, info, exception);
        }
        End(context, info);
    }

    private async Task WriteError(HttpContext context, RequestInfo info, Exception exception)
    {
        if (exception is ClientDisconnectedException || context.RequestAborted.IsCancellationRequested)
        {
            // No client receives this status. It is for the log line.
            info.Error ??= ErrorCode.Cancelled;
            if (!context.Response.HasStarted) context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            // Without this, the server may try to read the rest of a body whose reading has failed, and log that as an error.
            context.Abort();
            return;
        }
        var error = ErrorRenderer.Of(exception);
        if (error.Code == ErrorCode.Internal) LogUnexpectedError(exception, info.RequestId);
        if (context.Response.HasStarted)
        {
            info.Error ??= error.Code;
            context.Abort();
            return;
        }
        try
        {
            await ErrorRenderer.Write(context, error);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client disconnected while the error was written.
        }
    }

    /// <summary>Whether nothing wrote a body: a 404 or 405 of routing, or a rejection by the server itself.</summary>
    private static bool HasNoBody(HttpResponse response) =>
        !response.HasStarted && response.ContentLength is null && response.ContentType is null;

    private void End(HttpContext context, RequestInfo info)
    {
        var route = RouteOf(context);
        RequestSpans.End(context, info, route);
        metrics.CountRequest(context.Request.Method, route, context.Response.StatusCode);
        var level = info.Error is { } error ? LevelOf(error)
            : context.GetEndpoint()?.Metadata.GetMetadata<DebugLogRoute>() is null ? LogLevel.Information
            : LogLevel.Debug;
        if (!logger.IsEnabled(level)) return;
        LogRequest(
            level, context.Request.Method, route, context.Response.StatusCode, (long)time.GetElapsedTime(info.StartedAt).TotalMilliseconds,
            info.RequestId, info.Key?.TenantId, info.Model, info.TurnId, info.PromptLength, info.Error);
    }

    // The route pattern and not the path: paths may contain names that clients chose.
    private static string RouteOf(HttpContext context) =>
        (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? GatewayMetrics.NoRoute;

    private static LogLevel LevelOf(ErrorCode code) => ErrorTable.Of(code).Severity switch
    {
        ErrorSeverity.Debug or ErrorSeverity.Information => LogLevel.Information,
        ErrorSeverity.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    [LoggerMessage(1, LogLevel.Error, "Request {RequestId} failed with an unexpected error")]
    private partial void LogUnexpectedError(Exception exception, string requestId);

    [LoggerMessage(
        EventId = 2,
        Message = "{Method} {Route} {Status} in {Elapsed} ms, request {RequestId}, tenant {TenantId}, model {Model}, turn {TurnId}, " +
            "prompt of {PromptLength} characters, error {Error}")]
    private partial void LogRequest(
        LogLevel level, string method, string route, int status, long elapsed, string requestId, string? tenantId, string? model, string? turnId,
        int promptLength, ErrorCode? error);
}
