using System.Collections.Frozen;

namespace CozeCluster;

/// <summary>What a conversation does about an error if no text was delivered yet. Names are stored: never rename them.</summary>
[GenerateSerializer, Alias("cure")]
public enum RecoveryAction
{
    /// <summary>Return the error to the client. A retry would fail as well.</summary>
    GiveUp,

    /// <summary>Retry once with the same bot and account, after a pause.</summary>
    Retry,

    /// <summary>Disable the account for a while and retry with another account.</summary>
    RotateAccount,

    /// <summary>Count a failure of the bot, which may open its circuit breaker, and retry with another bot.</summary>
    CoolBot,
}

/// <summary>The log level of an error, in ascending order.</summary>
public enum ErrorSeverity
{
    /// <summary>A mistake of the client.</summary>
    Debug,

    /// <summary>Expected in normal operation.</summary>
    Information,

    /// <summary>An operator may have to act.</summary>
    Warning,

    /// <summary>A defect, or an operator has to act.</summary>
    Error,
}

/// <summary>One row of <see cref="ErrorTable"/>.</summary>
/// <param name="Code">The error.</param>
/// <param name="Status">The HTTP status, if the response has not started.</param>
/// <param name="OpenAiType"><c>error.type</c> in OpenAI bodies.</param>
/// <param name="OpenAiCode"><c>error.code</c> in OpenAI bodies; null if OpenAI has none.</param>
/// <param name="AnthropicType"><c>error.type</c> in Anthropic bodies.</param>
/// <param name="Severity">The log level.</param>
/// <param name="RecoveryAction">What to do if no text was delivered yet.</param>
public sealed record ErrorInfo(
    ErrorCode Code, int Status, string OpenAiType, string? OpenAiCode, string AnthropicType, ErrorSeverity Severity, RecoveryAction RecoveryAction)
{
    /// <summary>The name of the code in metrics and in the admin API (<c>upstream_timeout</c>).</summary>
    public string Name { get; } = WireName.Of(Code);

    /// <summary>When a retry makes sense if the error itself does not say; null if a retry is useless or the error says when.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Maps each <see cref="ErrorCode"/> to everything that follows from it.</summary>
public static class ErrorTable
{
    private const string Invalid = "invalid_request_error";
    private const string Server = "server_error";
    private const string Limit = "rate_limit_error";
    private const string Api = "api_error";
    private const string Quota = "insufficient_quota";

    private static readonly FrozenDictionary<ErrorCode, ErrorInfo> Rows = new ErrorInfo[]
    {
        new(ErrorCode.Internal, 500, Server, "internal_error", Api, ErrorSeverity.Error, RecoveryAction.GiveUp),
        new(ErrorCode.InvalidRequest, 400, Invalid, null, Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.InvalidApiKey, 401, Invalid, "invalid_api_key", "authentication_error", ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.PermissionDenied, 403, Invalid, "permission_denied", "permission_error", ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.ModelNotFound, 404, Invalid, "model_not_found", "not_found_error", ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.NotFound, 404, Invalid, "not_found", "not_found_error", ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.MethodNotAllowed, 405, Invalid, "method_not_allowed", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.PayloadTooLarge, 413, Invalid, "request_too_large", "request_too_large", ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.UnsupportedMediaType, 415, Invalid, "unsupported_media_type", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.IdempotencyMismatch, 409, Invalid, "idempotency_key_reused", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.ConversationBusy, 429, "requests", "conversation_busy", Limit, ErrorSeverity.Information, RecoveryAction.GiveUp)
            { RetryAfter = Seconds(1) },
        new(ErrorCode.RateLimited, 429, "requests", "rate_limit_exceeded", Limit, ErrorSeverity.Information, RecoveryAction.GiveUp) { RetryAfter = Seconds(1) },
        new(ErrorCode.QuotaExceeded, 429, Quota, Quota, "billing_error", ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.NoBotAvailable, 503, Server, "no_bot_available", "overloaded_error", ErrorSeverity.Warning, RecoveryAction.GiveUp)
            { RetryAfter = Seconds(2) },
        new(ErrorCode.Draining, 503, Server, "shutting_down", "overloaded_error", ErrorSeverity.Information, RecoveryAction.GiveUp) { RetryAfter = Seconds(1) },
        new(ErrorCode.Cancelled, 499, Invalid, "cancelled", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.UpstreamInvalidRequest, 400, Invalid, "upstream_invalid_request", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.ContentFiltered, 400, Invalid, "content_filter", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.ContextLengthExceeded, 400, Invalid, "context_length_exceeded", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.FileRejected, 400, Invalid, "invalid_file", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.UpstreamUnauthorized, 502, Server, "upstream_unauthorized", Api, ErrorSeverity.Error, RecoveryAction.RotateAccount),
        new(ErrorCode.UpstreamForbidden, 502, Server, "upstream_forbidden", Api, ErrorSeverity.Warning, RecoveryAction.RotateAccount),
        new(ErrorCode.UpstreamNotFound, 502, Server, "upstream_not_found", Api, ErrorSeverity.Warning, RecoveryAction.CoolBot),
        new(ErrorCode.UpstreamBusy, 503, Server, "upstream_busy", "overloaded_error", ErrorSeverity.Information, RecoveryAction.Retry)
            { RetryAfter = Seconds(2) },
        new(ErrorCode.UpstreamRateLimited, 429, "requests", "rate_limit_exceeded", Limit, ErrorSeverity.Information, RecoveryAction.RotateAccount)
            { RetryAfter = Seconds(5) },
        new(ErrorCode.UpstreamQuotaExceeded, 429, Quota, Quota, "billing_error", ErrorSeverity.Warning, RecoveryAction.RotateAccount),
        new(ErrorCode.UpstreamFailed, 502, Server, "upstream_error", Api, ErrorSeverity.Warning, RecoveryAction.CoolBot) { RetryAfter = Seconds(1) },
        new(ErrorCode.UpstreamUnavailable, 503, Server, "upstream_unavailable", Api, ErrorSeverity.Warning, RecoveryAction.CoolBot) { RetryAfter = Seconds(2) },
        new(ErrorCode.UpstreamTimeout, 504, Server, "upstream_timeout", "timeout_error", ErrorSeverity.Warning, RecoveryAction.CoolBot)
            { RetryAfter = Seconds(1) },
        new(ErrorCode.UpstreamProtocol, 502, Server, "upstream_protocol_error", Api, ErrorSeverity.Error, RecoveryAction.CoolBot),
        new(ErrorCode.UpstreamOutcomeUnknown, 502, Server, "upstream_outcome_unknown", Api, ErrorSeverity.Warning, RecoveryAction.GiveUp),
        new(ErrorCode.StateConflict, 503, Server, "try_again", "overloaded_error", ErrorSeverity.Warning, RecoveryAction.GiveUp) { RetryAfter = Seconds(1) },
        new(ErrorCode.CallRejected, 503, Server, "try_again", "overloaded_error", ErrorSeverity.Warning, RecoveryAction.GiveUp) { RetryAfter = Seconds(1) },
        new(ErrorCode.NoImage, 502, Server, "no_image", Api, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.FetchFailed, 502, Server, "fetch_failed", Api, ErrorSeverity.Warning, RecoveryAction.GiveUp),
        new(ErrorCode.Overloaded, 503, Server, "overloaded", "overloaded_error", ErrorSeverity.Warning, RecoveryAction.GiveUp) { RetryAfter = Seconds(1) },
        new(ErrorCode.UpstreamCredentialRefused, 401, Invalid, "upstream_credential_refused", "authentication_error", ErrorSeverity.Information,
            RecoveryAction.GiveUp),
        new(ErrorCode.NotImplemented, 501, Invalid, "not_implemented", Invalid, ErrorSeverity.Information, RecoveryAction.GiveUp),
        new(ErrorCode.PreconditionFailed, 412, Invalid, "precondition_failed", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.PreconditionRequired, 428, Invalid, "precondition_required", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
        new(ErrorCode.Conflict, 409, Invalid, "conflict", Invalid, ErrorSeverity.Debug, RecoveryAction.GiveUp),
    }.ToFrozenDictionary(row => row.Code);

    private static TimeSpan Seconds(int seconds) => TimeSpan.FromSeconds(seconds);

    /// <summary>All rows, for documentation and tests.</summary>
    public static IEnumerable<ErrorInfo> All => Rows.Values.OrderBy(row => row.Code);

    /// <summary>The row of <paramref name="code"/>. For a code that only newer processes know, the row of <see cref="ErrorCode.Internal"/>.</summary>
    public static ErrorInfo Of(ErrorCode code) => Rows.TryGetValue(code, out var row) ? row : Rows[ErrorCode.Internal];
}
