using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using CozeCluster.Gateway.Auth;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway.Errors;

/// <summary>The one place that turns errors into what clients of the OpenAI surface see.</summary>
internal static class ErrorRenderer
{
    /// <summary>JSON as all surfaces write it: only what JSON itself requires is escaped. The result is never put into HTML.</summary>
    public static JsonWriterOptions Json { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Answers a request with an error. The response must not have started.</summary>
    public static async Task Write(HttpContext context, Error error)
    {
        var row = ErrorTable.Of(error.Code);
        Call.Of(context).Error = error.Code;
        var response = context.Response;
        response.StatusCode = row.Status;
        response.ContentType = "application/json";
        response.Headers.CacheControl = "no-store";
        if (row.Code == ErrorCode.InvalidApiKey) response.Headers.WWWAuthenticate = AdminRoute.ChallengeOf(context);
        if (!RetryMayHelp(error.Code)) response.Headers["x-should-retry"] = "false";
        if (error.Until is { } until) RetryAfter(context, until);
        if (HttpMethods.IsHead(context.Request.Method)) return;
        await using (var writer = new Utf8JsonWriter(response.BodyWriter, Json)) WriteBody(writer, error);
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

    /// <summary>An exception as an error a client may see.</summary>
    public static Error Of(Exception exception) => exception switch
    {
        ClusterException cluster => cluster.ToError(),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => new Error(ErrorCode.PayloadTooLarge, "The request body is larger than this server takes."),
        BadHttpRequestException bad => new Error(ErrorCode.InvalidRequest, $"The request could not be read: {bad.Message}"),
        TimeoutException => new Error(ErrorCode.CallRejected, "The server could not reach the part of itself that handles this. Try again."),
        _ => new Error(ErrorCode.Internal, "The server failed to handle this request. The log has the details under the request id."),
    };

    /// <summary>The error for a status that routing or the server set by itself.</summary>
    public static Error OfStatus(HttpContext context)
    {
        var request = context.Request;
        return context.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => new Error(ErrorCode.NotFound, $"Unknown request URL: {request.Method} {request.Path}. Check the path for typos."),
            StatusCodes.Status405MethodNotAllowed => new Error(
                ErrorCode.MethodNotAllowed, $"{request.Method} is not allowed for {request.Path}. Allowed: {context.Response.Headers.Allow}."),
            StatusCodes.Status413PayloadTooLarge => new Error(ErrorCode.PayloadTooLarge, "The request body is larger than this server takes."),
            StatusCodes.Status415UnsupportedMediaType => new Error(ErrorCode.UnsupportedMediaType, "Send the body as application/json."),
            >= 500 => new Error(ErrorCode.Internal, "The server failed to handle this request."),
            var status => new Error(ErrorCode.InvalidRequest, $"The request was refused with status {status}."),
        };
    }

    // Official clients retry 409, 429 and 5xx by themselves unless told that it is no use.
    private static bool RetryMayHelp(ErrorCode code) => code is not (
        ErrorCode.Internal or ErrorCode.IdempotencyMismatch or ErrorCode.QuotaExceeded or ErrorCode.UpstreamQuotaExceeded or
        ErrorCode.UpstreamOutcomeUnknown or ErrorCode.UpstreamProtocol or ErrorCode.NoImage);

    private static void RetryAfter(HttpContext context, DateTimeOffset until)
    {
        var time = context.RequestServices.GetRequiredService<TimeProvider>();
        var wait = until - time.GetUtcNow();
        if (wait < TimeSpan.Zero) wait = TimeSpan.Zero;
        var headers = context.Response.Headers;
        headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        headers["retry-after-ms"] = ((long)Math.Ceiling(wait.TotalMilliseconds)).ToString(CultureInfo.InvariantCulture);
    }
}
