using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>An error that an OpenAI-compatible server reported, in a response or in a stream.</summary>
/// <param name="Code">The name of the error, or its number as some servers send it.</param>
/// <param name="Type">The kind of error.</param>
/// <param name="Message">The text for people.</param>
/// <param name="Param">The field of the request that is wrong.</param>
internal sealed record OpenAiRefusal(string? Code, string? Type, string? Message, string? Param)
{
    /// <summary>Reads an error: <c>{"error":{…}}</c>, <c>{"error":"…"}</c>, the error object itself, or what other servers send in its place.</summary>
    public static OpenAiRefusal Parse(JsonElement json)
    {
        // Some servers put the object into an array.
        if (json.ValueKind == JsonValueKind.Array) json = json.GetItems().FirstOrDefault();
        var error = json.GetMember("error"u8);
        if (error.ValueKind == JsonValueKind.String) return new OpenAiRefusal(null, null, error.GetText(), null);
        if (error.ValueKind == JsonValueKind.Object) json = error;
        return new OpenAiRefusal(
            json.GetText("code"u8), json.GetText("type"u8) ?? json.GetText("status"u8),
            json.GetText("message"u8) ?? json.GetText("detail"u8) ?? json.GetText("msg"u8), json.GetText("param"u8));
    }
}

/// <summary>The only place that translates errors of OpenAI-compatible servers into <see cref="ErrorCode"/>s.</summary>
internal static partial class OpenAiErrors
{
    /// <summary>Translates an error.</summary>
    /// <param name="refusal">The error.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    public static ErrorCode Map(OpenAiRefusal refusal, HttpStatusCode? status)
    {
        if (MapName(refusal.Code) is { } byCode) return byCode;
        var number = status is { } given ? (int)given
            : int.TryParse(refusal.Code, NumberStyles.None, CultureInfo.InvariantCulture, out var code) ? code : (int?)null;
        // The words tell a prompt that is too long from one that is malformed, and a prompt that is refused from an account that is.
        var isAboutPrompt = number is null or 400 or 413 or 422 || (number == 403 && !Account().IsMatch(Start(refusal.Message)));
        if (isAboutPrompt && Classify(refusal.Message) is { } byWords) return byWords;
        if (number == 429 && Quota().IsMatch(Start(refusal.Message))) return ErrorCode.UpstreamQuotaExceeded;
        return (number is { } known ? MapStatus(known) : null) ?? MapName(refusal.Type) ?? ErrorCode.UpstreamFailed;
    }

    /// <summary>Creates the error that a client receives: the server's message, shortened and without secrets.</summary>
    /// <param name="refusal">The error.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    /// <param name="until">When a retry makes sense, if the server said so.</param>
    public static Error ToError(OpenAiRefusal refusal, HttpStatusCode? status = null, DateTimeOffset? until = null)
    {
        var details = new List<string>();
        if (!string.IsNullOrEmpty(refusal.Code)) details.Add($"code {UpstreamText.Clean(refusal.Code)}");
        if (status is { } given) details.Add($"HTTP {(int)given}");
        var text = UpstreamText.Clean(refusal.Message);
        var message = text.Length == 0 ? "The model's server returned an error" : $"The model's server says: {text}";
        var code = Map(refusal, status);
        return new Error(code, details.Count == 0 ? message : $"{message} ({string.Join(", ", details)})", ClientField(refusal.Param), until)
        {
            // Only this model is unknown or forbidden; the account serves others.
            OwnRecoveryAction = code == ErrorCode.UpstreamForbidden && refusal.Code == "model_not_found" ? RecoveryAction.CoolBot : null,
        };
    }

    /// <summary>When a server accepts requests again, by its headers; null if they do not say.</summary>
    public static DateTimeOffset? ReadUntil(HttpResponseHeaders headers, TimeProvider time)
    {
        if (Read(headers, "retry-after-ms") is { } text && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var milliseconds))
            return time.GetUtcNow() + TimeSpan.FromMilliseconds(Math.Clamp(milliseconds, 0, 86_400_000));
        if (RetryAfter.Parse(headers, time) is { } given) return given;
        TimeSpan? wait = null;
        foreach (var kind in (string[])["requests", "tokens"])
        {
            if (Read(headers, $"x-ratelimit-remaining-{kind}") is not "0" || Read(headers, $"x-ratelimit-reset-{kind}") is not { } reset) continue;
            if (ReadDuration(reset) is { } duration && (wait is null || duration > wait)) wait = duration;
        }
        return wait is { } found ? time.GetUtcNow() + found : null;
    }

    /// <summary>Reads a duration such as <c>6m0s</c>, <c>1.5s</c> or <c>20ms</c>, at most a day; null if it is none.</summary>
    internal static TimeSpan? ReadDuration(string text)
    {
        if (text.Length > 40 || !Duration().IsMatch(text)) return null;
        var seconds = 0.0;
        foreach (Match part in DurationPart().Matches(text))
        {
            var number = double.Parse(part.Groups[1].Value, CultureInfo.InvariantCulture);
            seconds += number * part.Groups[2].Value switch { "d" => 86_400, "h" => 3_600, "m" => 60, "ms" => 0.001, _ => 1 };
        }
        return TimeSpan.FromSeconds(Math.Min(seconds, 86_400));
    }

    private static string? Read(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    // Only these fields reach the server as the client has sent them, so that the path is the client's too.
    private static string? ClientField(string? param) =>
        param is not null && (param.StartsWith("tools", StringComparison.Ordinal) || param.StartsWith("response_format", StringComparison.Ordinal))
            ? UpstreamText.Clean(param)
            : null;

    private static ErrorCode? MapName(string? name) => name switch
    {
        "insufficient_quota" or "billing_hard_limit_reached" or "billing_not_active" or "access_terminated" => ErrorCode.UpstreamQuotaExceeded,
        "rate_limit_exceeded" or "rate_limit_error" or "requests" or "tokens" => ErrorCode.UpstreamRateLimited,
        "context_length_exceeded" or "string_above_max_length" or "request_too_large" => ErrorCode.ContextLengthExceeded,
        "content_filter" or "content_policy_violation" or "invalid_prompt" or "moderation_blocked" or "image_content_policy_violation"
            or "ResponsibleAIPolicyViolation" => ErrorCode.ContentFiltered,
        "invalid_api_key" or "authentication_error" or "account_deactivated" => ErrorCode.UpstreamUnauthorized,
        "permission_error" or "unsupported_country_region_territory" => ErrorCode.UpstreamForbidden,
        "model_not_found" or "not_found_error" or "DeploymentNotFound" => ErrorCode.UpstreamNotFound,
        "invalid_image" or "invalid_image_format" or "invalid_image_url" or "invalid_base64_image" or "image_parse_error" or "image_too_large" or "invalid_file"
            or "unsupported_image_media_type" or "failed_to_download_image" or "unsupported_file" or "image_too_small" or "image_file_too_large"
            or "image_file_not_found" or "empty_image_file" or "invalid_image_mode" => ErrorCode.FileRejected,
        "server_error" or "internal_error" or "api_error" or "vector_store_timeout" => ErrorCode.UpstreamFailed,
        "overloaded_error" or "server_overloaded" or "service_unavailable" or "engine_overloaded" => ErrorCode.UpstreamUnavailable,
        "timeout" or "request_timeout" => ErrorCode.UpstreamTimeout,
        "invalid_request_error" or "invalid_function_parameters" => ErrorCode.UpstreamInvalidRequest,
        _ => null,
    };

    private static ErrorCode? MapStatus(int status) => status switch
    {
        401 => ErrorCode.UpstreamUnauthorized,
        402 => ErrorCode.UpstreamQuotaExceeded,
        403 => ErrorCode.UpstreamForbidden,
        404 or 405 => ErrorCode.UpstreamNotFound,
        408 or 504 => ErrorCode.UpstreamTimeout,
        413 => ErrorCode.ContextLengthExceeded,
        415 => ErrorCode.FileRejected,
        429 => ErrorCode.UpstreamRateLimited,
        >= 300 and < 400 => ErrorCode.UpstreamProtocol,
        >= 400 and < 500 => ErrorCode.UpstreamInvalidRequest,
        503 or 529 => ErrorCode.UpstreamUnavailable,
        >= 500 => ErrorCode.UpstreamFailed,
        _ => null,
    };

    private static ErrorCode? Classify(string? message)
    {
        var start = Start(message);
        if (ContextLength().IsMatch(start)) return ErrorCode.ContextLengthExceeded;
        return Content().IsMatch(start) ? ErrorCode.ContentFiltered : null;
    }

    private static string Start(string? message) => message is null ? "" : message.Length > 500 ? message[..500] : message;

    [GeneratedRegex(
        @"\b(context (length|window|size)|maximum (context|prompt)|(prompt|input) is too long|too many (input )?tokens)\b", RegexOptions.IgnoreCase)]
    private static partial Regex ContextLength();

    [GeneratedRegex(@"\b(content (management )?polic(y|ies)|content filter|safety system|flagged)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Content();

    [GeneratedRegex(@"\b(account|key|organi[sz]ation)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Account();

    [GeneratedRegex(@"\b(quota|billing|balance|credits?)\b", RegexOptions.IgnoreCase)]
    private static partial Regex Quota();

    [GeneratedRegex(@"^(\d+(\.\d+)?(ms|[dhms])?)+$")]
    private static partial Regex Duration();

    [GeneratedRegex(@"(\d+(?:\.\d+)?)(ms|[dhms])?")]
    private static partial Regex DurationPart();
}
