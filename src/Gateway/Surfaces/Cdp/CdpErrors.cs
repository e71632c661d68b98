using System.Globalization;
using System.Text.Json;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// Errors as coze-discord-proxy wrote them. All failures under <c>/v1</c> have the status 500. Its texts seldom say what is wrong, so the sentence of the error
/// is in a further member, <c>detail</c>.
/// </summary>
internal sealed class CdpErrors : IErrorShape
{
    public const string TooManyRequests = "请求过于频繁,请稍后再试";
    public const string BadOutTime = "超时时间设置异常";
    public const string TimedOut = "请求超时";

    /// <summary>The name of the header, in errors about it.</summary>
    public const string OutTime = "out-time";

    private const string NoProxySecret = "无权进行此操作,未提供正确的 proxy-secret";
    private const string NoAuthorization = "authorization(proxy-secret)校验失败";

    public int StatusOf(HttpContext context, Error error) => error switch
    {
        { Code: ErrorCode.InvalidApiKey } or { Code: ErrorCode.PermissionDenied } when HasRoute(context) => StatusCodes.Status401Unauthorized,
        { Code: ErrorCode.RateLimited } => StatusCodes.Status429TooManyRequests,
        { Param: OutTime } => StatusCodes.Status400BadRequest,
        // Nothing that a turn can cause.
        { Code: ErrorCode.NotFound } => StatusCodes.Status404NotFound,
        _ when !HasRoute(context) => ErrorTable.Of(error.Code).Status,
        _ => StatusCodes.Status500InternalServerError,
    };

    public void WriteBody(HttpContext context, Utf8JsonWriter writer, Error error)
    {
        var isApi = context.Request.Path.StartsWithSegments("/api", StringComparison.Ordinal);
        var isKey = error.Code is ErrorCode.InvalidApiKey or ErrorCode.PermissionDenied && HasRoute(context);
        if (error.Code == ErrorCode.RateLimited) WriteFailure(writer, TooManyRequests);
        else if (error.Param == OutTime) WriteFailure(writer, BadOutTime);
        else if (isApi) WriteFailure(writer, isKey ? NoProxySecret : error.Message);
        else if (isKey) WriteError(writer, NoAuthorization, "invalid_request_error", "invalid_authorization", null);
        else if (!HasRoute(context))
        {
            WriteError(
                writer, error.Message, "invalid_request_error", StatusOf(context, error).ToString(CultureInfo.InvariantCulture), null);
        }
        else WriteFailedRequest(writer, error, RequestInfo.Of(context).PromptLength);
    }

    /// <summary>Writes the failure of a request under <c>/v1</c>, as the body of a response or as an event.</summary>
    public static void WriteFailedRequest(Utf8JsonWriter writer, Error error, int promptLength)
    {
        var message = MessageOf(error, promptLength);
        WriteError(writer, message, "request_error", "500", message == error.Message ? null : error.Message);
    }

    /// <summary>Writes <c>{"success":false,"message":…}</c>.</summary>
    public static void WriteFailure(Utf8JsonWriter writer, string message, string? detail = null)
    {
        writer.WriteStartObject();
        writer.WriteBoolean("success"u8, false);
        writer.WriteString("message"u8, message);
        if (detail is not null) writer.WriteString("detail"u8, detail);
        writer.WriteEndObject();
    }

    private static string MessageOf(Error error, int promptLength) => error.Code switch
    {
        ErrorCode.ModelNotFound => "model_not_found",
        ErrorCode.NoBotAvailable => "no_available_bot",
        ErrorCode.UpstreamUnauthorized => "no_available_user_auth",
        ErrorCode.ContextLengthExceeded => string.Create(CultureInfo.InvariantCulture, $"prompt已超过限制,请分段发送 [{promptLength}]"),
        ErrorCode.InvalidRequest when error.Param?.Contains(".content[", StringComparison.Ordinal) == true => "Image URL parsing error",
        ErrorCode.InvalidRequest when error.Param?.EndsWith(".content", StringComparison.Ordinal) == true => "Message format error",
        ErrorCode.InvalidRequest or ErrorCode.UnsupportedMediaType => "Invalid request parameters",
        _ => error.Message,
    };

    private static void WriteError(Utf8JsonWriter writer, string message, string type, string code, string? detail)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("error"u8);
        writer.WriteString("message"u8, message);
        writer.WriteString("type"u8, type);
        writer.WriteString("param"u8, "");
        writer.WriteString("code"u8, code);
        if (detail is not null) writer.WriteString("detail"u8, detail);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static bool HasRoute(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<CompatRoute>() is not null;
}
