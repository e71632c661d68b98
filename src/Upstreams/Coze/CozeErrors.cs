using System.Collections.Frozen;
using System.Net;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// An error that Coze reported, in any of its forms: the response envelope (<c>code, msg, detail.logid</c>), the OAuth server
/// (<c>error_code, error_message, error</c>), workflow events (<c>error_code</c> as a number), and proxies and compatible servers
/// (<c>message</c>, <c>error.message</c>).
/// </summary>
/// <param name="Code">Coze's error number; 0 means success.</param>
/// <param name="Message">Coze's message.</param>
/// <param name="OAuthError">The OAuth server's name of the error.</param>
/// <param name="LogId">Coze's id of the request, for its support.</param>
internal sealed record CozeRefusal(long? Code, string? Message, string? OAuthError = null, string? LogId = null)
{
    /// <summary>Whether this reports an error at all.</summary>
    public bool IsError => Code is not (null or 0) || OAuthError is not null;

    /// <summary>Reads an error from JSON. Missing parts stay null.</summary>
    /// <param name="json">The JSON; any value.</param>
    /// <param name="logId">The log id to use if the JSON contains none.</param>
    public static CozeRefusal Parse(JsonElement json, string? logId = null)
    {
        var error = json.GetMember("error"u8);
        var name = json.GetNumber("error_code"u8) is null ? json.GetText("error_code"u8) : null;
        // Some servers write all members in every response, with empty values on success.
        if (name is not { Length: > 0 }) name = error.ValueKind == JsonValueKind.String && error.GetText() is { Length: > 0 } text ? text : null;
        return new CozeRefusal(
            json.GetNumber("code"u8) ?? json.GetNumber("error_code"u8) ?? error.GetNumber("code"u8),
            json.GetText("msg"u8) ?? json.GetText("error_message"u8) ?? json.GetText("message"u8) ?? error.GetText("message"u8) ?? error.GetText("msg"u8),
            name,
            json.GetMember("detail"u8).GetText("logid"u8) ?? logId);
    }
}

/// <summary>The only place that translates Coze's error codes, OAuth errors and HTTP statuses into <see cref="ErrorCode"/>s.</summary>
internal static class CozeErrors
{
    // Coze's documentation of error codes (.cn edition); 720701013 comes from its workflow service.
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
        // A model error by the documentation, a rate limit by one client library. In both cases another bot may succeed.
        [4013] = ErrorCode.UpstreamFailed,
        [4014] = ErrorCode.ContentFiltered,
        [4015] = ErrorCode.UpstreamForbidden,
        [4016] = ErrorCode.UpstreamBusy,
        [4019] = ErrorCode.UpstreamQuotaExceeded,
        [4020] = ErrorCode.UpstreamRateLimited,
        [4021] = ErrorCode.UpstreamNotFound,
        [4022] = ErrorCode.UpstreamQuotaExceeded,
        // The free quota is used up. Not in the documentation.
        [4028] = ErrorCode.UpstreamQuotaExceeded,
        [4100] = ErrorCode.UpstreamUnauthorized,
        // A bad token, or no permission, by its text. See IsBadToken.
        [4101] = ErrorCode.UpstreamForbidden,
        [4102] = ErrorCode.UpstreamForbidden,
        // A chat cannot be cancelled because it has ended.
        [4104] = ErrorCode.UpstreamBusy,
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

    private const long PermissionDenied = 4101;
    private const long NotPublished = 4015;

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

    /// <summary>All of Coze's codes in the table.</summary>
    public static IEnumerable<long> KnownCodes => Codes.Keys;

    /// <summary>Translates an error.</summary>
    /// <param name="refusal">The error that Coze reported.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    public static ErrorCode Map(CozeRefusal refusal, HttpStatusCode? status)
    {
        if (refusal.Code is { } code && Codes.TryGetValue(code, out var known))
            return code == PermissionDenied && CozeWording.IsBadToken(refusal.Message) ? ErrorCode.UpstreamUnauthorized : known;
        if (refusal.OAuthError is { } error && OAuth.TryGetValue(error, out known)) return known;
        if (!refusal.IsError) return status is { } bare ? Map(bare) : ErrorCode.UpstreamFailed;
        var classified = CozeWording.Classify(refusal.Message) ?? ClassifyRange(refusal.Code) ?? (status is { } given ? Map(given) : ErrorCode.UpstreamFailed);
        CozeMetrics.UnknownCode(refusal.Code, classified);
        return classified;
    }

    /// <summary>Creates the error that a client receives: Coze's message, shortened and without secrets, with Coze's code and log id.</summary>
    /// <param name="refusal">The error that Coze reported.</param>
    /// <param name="status">The HTTP status of the response; null for an error within a stream.</param>
    /// <param name="until">When a retry makes sense, if Coze said so.</param>
    public static Error ToError(CozeRefusal refusal, HttpStatusCode? status = null, DateTimeOffset? until = null)
    {
        var details = new List<string>();
        if (refusal.Code is not (null or 0)) details.Add($"code {refusal.Code}");
        else if (refusal.OAuthError is { } error) details.Add(UpstreamText.Clean(error));
        if (status is { } given && given != HttpStatusCode.OK) details.Add($"HTTP {(int)given}");
        if (refusal.LogId is { } logId) details.Add($"logid {UpstreamText.Clean(logId)}");
        var text = UpstreamText.Clean(refusal.Message);
        var message = text.Length == 0 ? "Coze returned an error" : $"Coze says: {text}";
        var mapped = Map(refusal, status);
        return new Error(mapped, details.Count == 0 ? message : $"{message} ({string.Join(", ", details)})", Until: until)
        {
            OwnRecoveryAction = RecoveryActionOf(refusal.Code, mapped),
        };
    }

    private static RecoveryAction? RecoveryActionOf(long? code, ErrorCode mapped) => code switch
    {
        // The fault is the bot's: the account serves its other bots.
        NotPublished => RecoveryAction.CoolBot,
        PermissionDenied when mapped == ErrorCode.UpstreamForbidden => RecoveryAction.CoolBot,
        // The conversation or chat is lost, and the bot is well. The conversation grain starts a lost conversation again.
        4001 or 4002 => RecoveryAction.GiveUp,
        _ => null,
    };

    // Coze numbers its errors by what they are about. Codes of nine digits begin with the service: 700012 is authentication, 7207 are workflows.
    private static ErrorCode? ClassifyRange(long? code) => code switch
    {
        >= 4100 and < 4104 => ErrorCode.UpstreamForbidden,
        >= 4200 and < 4300 => ErrorCode.UpstreamNotFound,
        >= 4300 and < 4310 => ErrorCode.FileRejected,
        >= 5000 and < 6000 => ErrorCode.UpstreamFailed,
        >= 700_012_000 and < 700_013_000 => ErrorCode.UpstreamUnauthorized,
        >= 720_700_000 and < 720_800_000 => ErrorCode.UpstreamFailed,
        _ => null,
    };

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
        400 or 413 or 422 => ErrorCode.UpstreamInvalidRequest,
        // Others are not about what the client has sent: a wrong base_url, a proxy, a server that changed.
        _ => ErrorCode.UpstreamFailed,
    };
}
