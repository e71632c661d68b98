using CozeCluster.Gateway.Errors;
using CozeCluster.Gateway.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Http;

/// <summary>Around every request: its id, its log line, and an OpenAI body for every error that has none yet.</summary>
internal sealed partial class RequestEnvelope(RequestDelegate next, GatewayMetrics metrics, TimeProvider time, ILogger<RequestEnvelope> logger)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var call = new Call { RequestId = Call.RequestIdFor(context.Request), StartedAt = time.GetTimestamp() };
        context.Features.Set(call);
        context.Response.Headers["x-request-id"] = call.RequestId;
        try
        {
            await next(context);
            if (context.Response.StatusCode >= 400 && IsBare(context.Response)) await ErrorRenderer.Write(context, ErrorRenderer.OfStatus(context));
        }
        catch (Exception exception)
        {
            await Render(context, call, exception);
        }
        Log(context, call);
    }

    private async Task Render(HttpContext context, Call call, Exception exception)
    {
        if (exception is ClientGoneException || context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to read a status; this one is for the log line.
            call.Error ??= ErrorCode.Cancelled;
            if (!context.Response.HasStarted) context.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            // Else the server may try to read the rest of a body whose reading has failed, and log that as an error.
            context.Abort();
            return;
        }
        var error = ErrorRenderer.Of(exception);
        if (error.Code == ErrorCode.Internal) Defect(exception, call.RequestId);
        if (context.Response.HasStarted)
        {
            call.Error ??= error.Code;
            context.Abort();
            return;
        }
        try
        {
            await ErrorRenderer.Write(context, error);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client went while it was told.
        }
    }

    /// <summary>No body yet, and none to come: routing's 404 and 405, the server's own refusals.</summary>
    private static bool IsBare(HttpResponse response) =>
        !response.HasStarted && response.ContentLength is null && response.ContentType is null;

    private void Log(HttpContext context, Call call)
    {
        var route = RouteOf(context);
        metrics.Answered(context.Request.Method, route, context.Response.StatusCode);
        var level = call.Error is { } error ? LevelOf(error) : context.GetEndpoint()?.Metadata.GetMetadata<QuietRoute>() is null ? LogLevel.Information : LogLevel.Debug;
        if (!logger.IsEnabled(level)) return;
        Request(
            level, context.Request.Method, route, context.Response.StatusCode, (long)time.GetElapsedTime(call.StartedAt).TotalMilliseconds,
            call.RequestId, call.Key?.TenantId, call.Model, call.TurnId, call.PromptLength, call.Error);
    }

    // The route, not the path: paths may hold names that clients chose.
    private static string RouteOf(HttpContext context) =>
        (context.GetEndpoint() as Microsoft.AspNetCore.Routing.RouteEndpoint)?.RoutePattern.RawText ?? GatewayMetrics.NoRoute;

    private static LogLevel LevelOf(ErrorCode code) => ErrorTable.Of(code).Severity switch
    {
        ErrorSeverity.Debug or ErrorSeverity.Information => LogLevel.Information,
        ErrorSeverity.Warning => LogLevel.Warning,
        _ => LogLevel.Error,
    };

    [LoggerMessage(1, LogLevel.Error, "A request failed in a way that is a defect of ours ({RequestId})")]
    private partial void Defect(Exception exception, string requestId);

    [LoggerMessage(EventId = 2, Message = "{Method} {Route} {Status} in {Milliseconds} ms, request {RequestId}, tenant {Tenant}, model {Model}, turn {TurnId}, prompt of {PromptLength} characters, error {Error}")]
    private partial void Request(
        LogLevel level, string method, string route, int status, long milliseconds, string requestId, string? tenant, string? model, string? turnId, int promptLength, ErrorCode? error);
}

/// <summary>Marks routes that are called all the time by machines: logged only at debug level.</summary>
internal sealed class QuietRoute;
