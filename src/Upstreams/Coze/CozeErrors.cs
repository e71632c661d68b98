using System.Collections.Frozen;
using System.Net;
using CozeCluster.Upstreams.Http;

namespace CozeCluster.Upstreams.Coze;

/// <summary>The one place where Coze's error codes, OAuth errors and HTTP statuses become <see cref="ErrorCode"/>s.</summary>
internal static class CozeErrors
{
    /// <summary>Cancelling a chat that has ended.</summary>
    public const int NotCancellable = 4104;

    // Coze's documentation of error codes (.cn edition); 720701013 from its workflow service.
    private static readonly FrozenDictionary<long, ErrorCode> Codes = new Dictionary<long, ErrorCode>
    {
        [4000] = ErrorCode.UpstreamInvalidRequest,
        [4001] = ErrorCode.UpstreamNotFound,
        [4002] = ErrorCode.UpstreamNotFound,
        [4003] = ErrorCode.UpstreamInvalidRequest,
        [4004] = ErrorCode.UpstreamInvalidRequest,
        [4005] = ErrorCode.UpstreamInvalidRequest,
        [4006] = ErrorCode.UpstreamNotFound,
        [4007] = ErrorCode.UpstreamInvalidRequest,
        [4008] = ErrorCode.UpstreamRateLimited,
        [4009] = ErrorCode.UpstreamRateLimited,
        [4010] = ErrorCode.ContextLengthExceeded,
        [4011] = ErrorCode.UpstreamQuotaExceeded,
        [4012] = ErrorCode.UpstreamNotFound,
        // The documentation says model error, one client library rate limit; either way another bot is worth a try.
        [4013] = ErrorCode.UpstreamFailed,
        [4014] = ErrorCode.ContentFiltered,
        [4015] = ErrorCode.UpstreamForbidden,
        [4016] = ErrorCode.UpstreamBusy,
        [4019] = ErrorCode.UpstreamQuotaExceeded,
        [4020] = ErrorCode.UpstreamRateLimited,
        [4021] = ErrorCode.UpstreamInvalidRequest,
        [4022] = ErrorCode.UpstreamQuotaExceeded,
        [4100] = ErrorCode.UpstreamUnauthorized,
        [4101] = ErrorCode.UpstreamForbidden,
        [4102] = ErrorCode.UpstreamForbidden,
        [NotCancellable] = ErrorCode.UpstreamBusy,
        [4105] = ErrorCode.ContentFiltered,
        [4200] = ErrorCode.UpstreamNotFound,
        [4300] = ErrorCode.FileRejected,
        [4301] = ErrorCode.FileRejected,
        [4302] = ErrorCode.FileRejected,
        [4303] = ErrorCode.FileRejected,
        [4304] = ErrorCode.FileRejected,
        [4315] = ErrorCode.UpstreamBusy,
        [5000] = ErrorCode.UpstreamFailed,
        [700012006] = ErrorCode.UpstreamUnauthorized,
        [720701013] = ErrorCode.UpstreamFailed,
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, ErrorCode> OAuth = new Dictionary<string, ErrorCode>
    {
        ["invalid_request"] = ErrorCode.UpstreamUnauthorized,
        ["invalid_client"] = ErrorCode.UpstreamUnauthorized,
        ["invalid_grant"] = ErrorCode.UpstreamUnauthorized,
        ["unsupported_grant_type"] = ErrorCode.UpstreamUnauthorized,
        ["access_deny"] = ErrorCode.UpstreamUnauthorized,
        ["access_denied"] = ErrorCode.UpstreamUnauthorized,
        ["expired_token"] = ErrorCode.UpstreamUnauthorized,
        ["slow_down"] = ErrorCode.UpstreamRateLimited,
        ["internal_error"] = ErrorCode.UpstreamFailed,
    }.ToFrozenDictionary();

    /// <summary>The codes this table knows.</summary>
    public static IEnumerable<long> KnownCodes => Codes.Keys;

    /// <summary>What a refusal means.</summary>
    /// <param name="refusal">What Coze said.</param>
    /// <param name="status">The HTTP status it said it with; null inside a stream.</param>
    public static ErrorCode Map(CozeRefusal refusal, HttpStatusCode? status)
    {
        if (refusal.Code is { } code && Codes.TryGetValue(code, out var known)) return known;
        if (refusal.OAuthError is { } error && OAuth.TryGetValue(error, out known)) return known;
        return status is { } given ? Map(given) : ErrorCode.UpstreamFailed;
    }

    /// <summary>The error a client sees: what Coze said, without secrets and of sane length, with its code and log id.</summary>
    /// <param name="refusal">What Coze said.</param>
    /// <param name="status">The HTTP status it said it with; null inside a stream.</param>
    /// <param name="until">When it is worth trying again, if Coze said so.</param>
    /// <param name="bearer">The token that was sent, which must not come back.</param>
    public static Error ToError(CozeRefusal refusal, HttpStatusCode? status = null, DateTimeOffset? until = null, string? bearer = null)
    {
        var said = UpstreamText.Clean(refusal.Message, bearer);
        var what = refusal.Code is not (null or 0) ? $"code {refusal.Code}" : refusal.OAuthError is { } error ? UpstreamText.Clean(error, bearer) : null;
        if (status is { } given && given != HttpStatusCode.OK) what = what is null ? $"HTTP {(int)given}" : $"{what}, HTTP {(int)given}";
        if (refusal.LogId is { } logId) what = what is null ? $"logid {UpstreamText.Clean(logId, bearer)}" : $"{what}, logid {UpstreamText.Clean(logId, bearer)}";
        var message = said.Length == 0 ? "Coze gave an error" : $"Coze says: {said}";
        return new Error(Map(refusal, status), what is null ? message : $"{message} ({what})", Until: until);
    }

    private static ErrorCode Map(HttpStatusCode status) => (int)status switch
    {
        401 => ErrorCode.UpstreamUnauthorized,
        402 => ErrorCode.UpstreamQuotaExceeded,
        403 => ErrorCode.UpstreamForbidden,
        404 => ErrorCode.UpstreamNotFound,
        408 or 504 => ErrorCode.UpstreamTimeout,
        409 => ErrorCode.UpstreamBusy,
        429 => ErrorCode.UpstreamRateLimited,
        502 or 503 => ErrorCode.UpstreamUnavailable,
        >= 300 and < 400 => ErrorCode.UpstreamProtocol,
        >= 400 and < 500 => ErrorCode.UpstreamInvalidRequest,
        _ => ErrorCode.UpstreamFailed,
    };
}
