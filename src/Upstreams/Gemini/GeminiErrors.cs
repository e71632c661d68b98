using System.Globalization;
using System.Net;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>An error that Gemini reported, as an answer or in a stream.</summary>
/// <param name="Code">The HTTP status that belongs to it.</param>
/// <param name="Status">Google's name of the status (<c>INVALID_ARGUMENT</c>).</param>
/// <param name="Message">Google's message.</param>
/// <param name="Reason">The reason in the details (<c>API_KEY_INVALID</c>).</param>
/// <param name="RetryDelay">How long to wait, from the details.</param>
/// <param name="IsDailyQuota">Whether the details name a quota of a day.</param>
internal sealed record GeminiRefusal(
    int? Code, string? Status, string? Message, string? Reason = null, TimeSpan? RetryDelay = null, bool IsDailyQuota = false)
{
    /// <summary>Reads an error: <c>{"error":{…}}</c>, or an array with it.</summary>
    /// <returns>Null if there is no error in the JSON.</returns>
    public static GeminiRefusal? Parse(JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Array) json = json.GetItems().FirstOrDefault();
        var error = json.GetMember("error"u8);
        // Proxies in front of the API have forms of their own.
        if (error.ValueKind == JsonValueKind.String) return new GeminiRefusal(null, null, error.GetText());
        if (error.ValueKind != JsonValueKind.Object) return null;
        string? reason = null;
        TimeSpan? delay = null;
        var isDaily = false;
        foreach (var detail in error.GetMember("details"u8).GetItems())
        {
            reason ??= detail.GetText("reason"u8);
            delay ??= ParseDuration(detail.GetText("retryDelay"u8));
            foreach (var violation in detail.GetMember("violations"u8).GetItems())
                isDaily |= violation.GetText("quotaId"u8)?.Contains("PerDay", StringComparison.OrdinalIgnoreCase) == true;
        }
        return new GeminiRefusal((int?)error.GetNumber("code"u8), error.GetText("status"u8), error.GetText("message"u8), reason, delay, isDaily);
    }

    // A duration of protobuf: seconds with a fraction and "s".
    private static TimeSpan? ParseDuration(string? text) =>
        text is [.., 's'] && double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Clamp(seconds, 0, TimeSpan.SecondsPerDay))
            : null;
}

/// <summary>The only place that translates Gemini's errors, reasons of finishing and reasons of blocking.</summary>
internal static class GeminiErrors
{
    /// <summary>Translates an error.</summary>
    public static ErrorCode Map(GeminiRefusal refusal, HttpStatusCode? status)
    {
        var text = refusal.Message ?? "";
        if (text.Length > 500) text = text[..500];
        switch (refusal.Reason)
        {
            // Google answers a wrong key with 400.
            case "API_KEY_INVALID" or "CREDENTIALS_MISSING" or "ACCESS_TOKEN_EXPIRED":
                return ErrorCode.UpstreamUnauthorized;
            case "BILLING_DISABLED":
                return ErrorCode.UpstreamQuotaExceeded;
            case "SERVICE_DISABLED" or "CONSUMER_SUSPENDED" or "CONSUMER_INVALID" or "USER_PROJECT_DENIED":
            case { } blocked when blocked.StartsWith("API_KEY_", StringComparison.Ordinal) && blocked.EndsWith("_BLOCKED", StringComparison.Ordinal):
                return ErrorCode.UpstreamForbidden;
        }
        return refusal.Status switch
        {
            "INVALID_ARGUMENT" or "OUT_OF_RANGE" => MapArgument(text),
            // The region of the address, or an account without billing.
            "FAILED_PRECONDITION" => ErrorCode.UpstreamForbidden,
            "UNAUTHENTICATED" => ErrorCode.UpstreamUnauthorized,
            "PERMISSION_DENIED" => IsAboutKey(text) ? ErrorCode.UpstreamUnauthorized : ErrorCode.UpstreamForbidden,
            "NOT_FOUND" => ErrorCode.UpstreamNotFound,
            "RESOURCE_EXHAUSTED" => refusal.IsDailyQuota ? ErrorCode.UpstreamQuotaExceeded : ErrorCode.UpstreamRateLimited,
            "INTERNAL" or "UNKNOWN" or "DATA_LOSS" or "CANCELLED" or "ABORTED" or "UNIMPLEMENTED" => ErrorCode.UpstreamFailed,
            "UNAVAILABLE" => ErrorCode.UpstreamUnavailable,
            "DEADLINE_EXCEEDED" => ErrorCode.UpstreamTimeout,
            _ => Map(refusal.Code ?? (int?)status),
        };
    }

    /// <summary>Creates the error that a client receives: Google's message, shortened and without secrets.</summary>
    /// <param name="refusal">The error that Gemini reported.</param>
    /// <param name="time">The clock for the delay in the error.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    /// <param name="until">When a retry makes sense by the headers of the response.</param>
    public static Error ToError(GeminiRefusal refusal, TimeProvider time, HttpStatusCode? status = null, DateTimeOffset? until = null)
    {
        var details = new List<string>();
        if (refusal.Status is { Length: > 0 } name) details.Add(UpstreamText.Clean(name));
        if (refusal.Reason is { Length: > 0 } reason) details.Add(UpstreamText.Clean(reason));
        var code = (int?)status ?? refusal.Code;
        if (code is not (null or 200)) details.Add($"HTTP {code}");
        var text = UpstreamText.Clean(refusal.Message);
        var message = text.Length == 0 ? "Gemini returned an error" : $"Gemini says: {text}";
        if (refusal.RetryDelay is { } delay) until = time.GetUtcNow() + delay;
        return new Error(Map(refusal, status), details.Count == 0 ? message : $"{message} ({string.Join(", ", details)})", Until: until);
    }

    /// <summary>How a reply ended.</summary>
    /// <param name="reason">The <c>finishReason</c>.</param>
    /// <param name="message">Gemini's explanation; may be null.</param>
    /// <param name="hasCalls">Whether the reply has tool calls.</param>
    /// <returns>The end of a complete reply, or an error.</returns>
    public static (FinishReason? Finish, Error? Error) MapFinish(string reason, string? message, bool hasCalls)
    {
        switch (reason)
        {
            case "STOP":
                return (hasCalls ? FinishReason.ToolCalls : FinishReason.Stop, null);
            case "MAX_TOKENS":
                return (FinishReason.Length, null);
            case "SAFETY" or "RECITATION" or "LANGUAGE" or "OTHER" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "MODEL_ARMOR" or "NO_IMAGE":
            case { } image when image.StartsWith("IMAGE_", StringComparison.Ordinal):
                return (FinishReason.ContentFilter, null);
        }
        // A failed attempt of the model: a call that is not valid, or too many. It is not the end of a complete reply, and another attempt may succeed.
        var text = UpstreamText.Clean(message);
        return (null, new Error(
            ErrorCode.UpstreamFailed, $"Gemini ended the reply with {UpstreamText.Clean(reason)}{(text.Length > 0 ? $": {text}" : ".")}")
        {
            OwnRecoveryAction = RecoveryAction.Retry,
        });
    }

    /// <summary>The error of a prompt that Gemini has blocked.</summary>
    public static Error Blocked(string reason, string? message)
    {
        var text = UpstreamText.Clean(message);
        return new Error(
            ErrorCode.ContentFiltered,
            $"Gemini refused the prompt because of its content ({UpstreamText.Clean(reason)}){(text.Length > 0 ? $": {text}" : ".")}");
    }

    /// <summary>Translates a status without an error of Google.</summary>
    public static ErrorCode Map(int? status) => status switch
    {
        400 or 413 or 422 => ErrorCode.UpstreamInvalidRequest,
        401 => ErrorCode.UpstreamUnauthorized,
        402 => ErrorCode.UpstreamQuotaExceeded,
        403 => ErrorCode.UpstreamForbidden,
        404 => ErrorCode.UpstreamNotFound,
        408 or 504 => ErrorCode.UpstreamTimeout,
        429 => ErrorCode.UpstreamRateLimited,
        502 or 503 => ErrorCode.UpstreamUnavailable,
        >= 200 and < 400 => ErrorCode.UpstreamProtocol,
        _ => ErrorCode.UpstreamFailed,
    };

    private static ErrorCode MapArgument(string text)
    {
        if (IsAboutKey(text)) return ErrorCode.UpstreamUnauthorized;
        if (Has("token count") && Has("exceed")) return ErrorCode.ContextLengthExceeded;
        if (Has("mime type is not supported") || Has("unsupported mime") || Has("unable to process input") || Has("document has no pages"))
            return ErrorCode.FileRejected;
        return ErrorCode.UpstreamInvalidRequest;

        bool Has(string words) => text.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    private static bool IsAboutKey(string text) => text.Contains("API key", StringComparison.OrdinalIgnoreCase)
        && (text.Contains("not valid", StringComparison.OrdinalIgnoreCase) || text.Contains("expired", StringComparison.OrdinalIgnoreCase)
            || text.Contains("leaked", StringComparison.OrdinalIgnoreCase) || text.Contains("invalid", StringComparison.OrdinalIgnoreCase)
            || text.Contains("not found", StringComparison.OrdinalIgnoreCase));
}
