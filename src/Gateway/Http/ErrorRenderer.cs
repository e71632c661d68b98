using System.Globalization;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Http;

/// <summary>Converts errors to the responses and JSON that clients of the OpenAI API expect. No other place does this.</summary>
internal static class ErrorRenderer
{
    /// <summary>Answers a request with an error. The response must not have started.</summary>
    public static async Task Write(HttpContext context, Error error)
    {
        var row = ErrorTable.Of(error.Code);
        RequestInfo.Of(context).Error = error.Code;
        var response = context.Response;
        var shape = CompatRequest.ErrorShapeOf(context);
        response.StatusCode = shape?.StatusOf(context, error) ?? row.Status;
        response.ContentType = shape?.ContentType ?? "application/json";
        response.Headers.CacheControl = "no-store";
        if (row.Code == ErrorCode.InvalidApiKey) response.Headers.WWWAuthenticate = AdminRoute.ChallengeFor(context);
        if (!RetryMayHelp(error.Code)) response.Headers["x-should-retry"] = "false";
        SetRetryAfter(context, error.Until, row.RetryAfter);
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await using (var writer = new Utf8JsonWriter(response.BodyWriter, JsonBody.WriterOptions))
        {
            if (shape is null) WriteBody(writer, error);
            else shape.WriteBody(context, writer, error);
        }
        await response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Writes <c>{"error":{…}}</c>.</summary>
    public static void WriteBody(Utf8JsonWriter writer, Error error)
    {
        writer.WriteStartObject();
        writer.WritePropertyName("error"u8);
        WriteObject(writer, error);
        writer.WriteEndObject();
    }

    /// <summary>Writes the object inside <c>error</c>.</summary>
    public static void WriteObject(Utf8JsonWriter writer, Error error)
    {
        var row = ErrorTable.Of(error.Code);
        writer.WriteStartObject();
        writer.WriteString("message"u8, error.Message);
        writer.WriteString("type"u8, row.OpenAiType);
        writer.WriteString("param"u8, error.Param);
        writer.WriteString("code"u8, row.OpenAiCode);
        writer.WriteEndObject();
    }

    /// <summary>Converts an exception to an error that a client may see.</summary>
    public static Error Of(Exception exception) => exception switch
    {
        ClusterException cluster => cluster.ToError(),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => TooLarge,
        BadHttpRequestException bad => new Error(ErrorCode.InvalidRequest, $"The request could not be read: {bad.Message}"),
        TimeoutException => new Error(ErrorCode.CallRejected, "The node that handles this request did not answer in time. Retry."),
        _ => new Error(
            ErrorCode.Internal, "The server failed to process this request. The server's log has the details under the id in the x-request-id header."),
    };

    /// <summary>The error for a status that routing or the server set without a body.</summary>
    public static Error OfStatus(HttpContext context)
    {
        var request = context.Request;
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => new Error(ErrorCode.NotFound, $"Unknown request URL: {request.Method} {request.Path}. Check the path for typos."),
            StatusCodes.Status405MethodNotAllowed => new Error(
                ErrorCode.MethodNotAllowed, $"{request.Method} is not allowed for {request.Path}. Allowed: {context.Response.Headers.Allow}."),
            StatusCodes.Status413PayloadTooLarge => TooLarge,
            StatusCodes.Status415UnsupportedMediaType => new Error(ErrorCode.UnsupportedMediaType, "Send the body as application/json."),
            >= 500 => new Error(ErrorCode.Internal, "The server failed to process this request."),
            var status => new Error(ErrorCode.InvalidRequest, $"The server rejected the request with status {status}."),
        };
    }

    private static Error TooLarge { get; } = new(ErrorCode.PayloadTooLarge, "The request body is larger than this server accepts. Send a smaller body.");

    // OpenAI's clients retry 409, 429 and 5xx automatically unless a header says not to.
    private static bool RetryMayHelp(ErrorCode code) => code is not (
        ErrorCode.Internal or ErrorCode.IdempotencyMismatch or ErrorCode.QuotaExceeded or ErrorCode.UpstreamQuotaExceeded or
        ErrorCode.UpstreamUnauthorized or ErrorCode.UpstreamForbidden or ErrorCode.UpstreamNotFound or
        ErrorCode.UpstreamOutcomeUnknown or ErrorCode.UpstreamProtocol or ErrorCode.NoImage or ErrorCode.NotImplemented);

    private static void SetRetryAfter(HttpContext context, DateTimeOffset? until, TimeSpan? usual)
    {
        if (until is { } moment) usual = moment - context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        if (usual is not { } wait) return;
        if (wait < TimeSpan.Zero) wait = TimeSpan.Zero;
        var headers = context.Response.Headers;
        headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        headers["retry-after-ms"] = ((long)Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
    }
}
