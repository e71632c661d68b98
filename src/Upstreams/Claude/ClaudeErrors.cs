using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.RegularExpressions;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>An error that Claude's API reported: <c>{"type":"error","error":{"type","message"},"request_id"}</c>.</summary>
/// <param name="Type">The kind (<c>overloaded_error</c>); null if the answer is not of this form, as that of a proxy.</param>
/// <param name="Message">Claude's message.</param>
/// <param name="RequestId">Claude's id of the request, for its support.</param>
internal sealed record ClaudeRefusal(string? Type, string? Message, string? RequestId)
{
    /// <summary>Reads an error from JSON. Missing parts stay null.</summary>
    /// <param name="json">The JSON; any value.</param>
    /// <param name="requestId">The request id of the header, used if the JSON contains none.</param>
    public static ClaudeRefusal Parse(JsonElement json, string? requestId)
    {
        var error = json.GetMember("error"u8);
        return new ClaudeRefusal(
            error.GetText("type"u8),
            error.GetText("message"u8) ?? (error.ValueKind == JsonValueKind.String ? error.GetText() : json.GetText("message"u8)),
            requestId ?? json.GetText("request_id"u8));
    }
}

/// <summary>The only place that translates the error types and HTTP statuses of Claude's API into <see cref="ErrorCode"/>s.</summary>
internal static partial class ClaudeErrors
{
    /// <summary>Translates an error.</summary>
    /// <param name="refusal">The error that Claude reported.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    public static ErrorCode Map(ClaudeRefusal refusal, HttpStatusCode? status) => refusal.Type switch
    {
        "invalid_request_error" => Classify(refusal.Message) ?? ErrorCode.UpstreamInvalidRequest,
        "authentication_error" => ErrorCode.UpstreamUnauthorized,
        "billing_error" => ErrorCode.UpstreamQuotaExceeded,
        "permission_error" => ErrorCode.UpstreamForbidden,
        "not_found_error" => ErrorCode.UpstreamNotFound,
        "request_too_large" => ErrorCode.PayloadTooLarge,
        "rate_limit_error" => ErrorCode.UpstreamRateLimited,
        "timeout_error" => ErrorCode.UpstreamTimeout,
        // All models of the service are affected. Another upstream may answer.
        "overloaded_error" => ErrorCode.UpstreamUnavailable,
        "api_error" => ErrorCode.UpstreamFailed,
        _ when status is { } given => given == HttpStatusCode.BadRequest && Classify(refusal.Message) is { } known ? known : Map(given),
        _ => ErrorCode.UpstreamFailed,
    };

    /// <summary>Creates the error that a client receives: Claude's message, shortened and without secrets, with the type and the request id.</summary>
    /// <param name="refusal">The error that Claude reported.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    /// <param name="until">When a retry makes sense, if Claude said so.</param>
    public static Error ToError(ClaudeRefusal refusal, HttpStatusCode? status = null, DateTimeOffset? until = null)
    {
        var details = new List<string>();
        if (refusal.Type is { Length: > 0 } type) details.Add(UpstreamText.Clean(type));
        if (status is { } given && given != HttpStatusCode.OK) details.Add($"HTTP {(int)given}");
        if (refusal.RequestId is { Length: > 0 } requestId) details.Add($"request {UpstreamText.Clean(requestId)}");
        var text = UpstreamText.Clean(refusal.Message);
        var message = text.Length == 0 ? "Claude returned an error" : $"Claude says: {text}";
        return new Error(Map(refusal, status), details.Count == 0 ? message : $"{message} ({string.Join(", ", details)})", Until: until);
    }

    /// <summary>
    /// When a refused request can be sent again: the <c>retry-after</c> header, otherwise the latest reset of a limit that is used up; null without either.
    /// </summary>
    public static DateTimeOffset? GetRetryTime(HttpResponseHeaders headers, TimeProvider time)
    {
        if (RetryAfter.Parse(headers, time) is { } until) return until;
        var now = time.GetUtcNow();
        DateTimeOffset? latest = null;
        foreach (var limit in (ReadOnlySpan<string>)["requests", "tokens", "input-tokens", "output-tokens"])
        {
            if (Read(headers, $"anthropic-ratelimit-{limit}-remaining") != "0") continue;
            if (!DateTimeOffset.TryParse(
                Read(headers, $"anthropic-ratelimit-{limit}-reset"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var reset)) continue;
            if (latest is null || reset > latest) latest = reset;
        }
        return latest is null ? null : new DateTimeOffset(Math.Clamp(latest.Value.UtcTicks, now.UtcTicks, now.UtcTicks + TimeSpan.TicksPerDay), TimeSpan.Zero);
    }

    private static string? Read(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static ErrorCode Map(HttpStatusCode status) => (int)status switch
    {
        401 => ErrorCode.UpstreamUnauthorized,
        402 => ErrorCode.UpstreamQuotaExceeded,
        403 => ErrorCode.UpstreamForbidden,
        404 => ErrorCode.UpstreamNotFound,
        408 or 504 or 524 => ErrorCode.UpstreamTimeout,
        413 => ErrorCode.PayloadTooLarge,
        429 => ErrorCode.UpstreamRateLimited,
        400 or 422 => ErrorCode.UpstreamInvalidRequest,
        502 or 503 or 529 => ErrorCode.UpstreamUnavailable,
        >= 300 and < 400 => ErrorCode.UpstreamProtocol,
        _ => ErrorCode.UpstreamFailed,
    };

    // Claude has one type for everything that is wrong with a request, so its words decide.
    private static ErrorCode? Classify(string? message)
    {
        if (string.IsNullOrWhiteSpace(message)) return null;
        if (message.Length > 500) message = message[..500];
        if (Quota().IsMatch(message)) return ErrorCode.UpstreamQuotaExceeded;
        if (ContextLength().IsMatch(message)) return ErrorCode.ContextLengthExceeded;
        if (Content().IsMatch(message)) return ErrorCode.ContentFiltered;
        return File().IsMatch(message) ? ErrorCode.FileRejected : null;
    }

    [GeneratedRegex(@"\b(credit balance|usage limits?|billing)\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Quota();

    [GeneratedRegex(@"\bprompt is too long\b|\bcontext (limit|window|length)\b|\btoo many (total )?(text )?tokens\b|\bmaximum context\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex ContextLength();

    [GeneratedRegex(@"\bcontent filter(ing)?\b|\busage policy\b", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Content();

    [GeneratedRegex(@"\b(image exceeds|process (the )?(image|pdf|document)|image does not match|download the file|image dimensions|pdf pages?|valid pdf)\b"
        + @"|\bPDF\b.{0,40}\b(password|invalid|not valid)\b|\bimage\b.{0,40}\b(invalid|not valid|unsupported|too large|maximum)\b",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex File();
}
