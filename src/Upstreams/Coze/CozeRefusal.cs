using System.Text.Json;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// What Coze said when it did not do as asked, in whatever shape: the envelope (<c>code, msg, detail.logid</c>), the OAuth server's
/// (<c>error_code, error_message, error</c>), workflow events (<c>error_code</c> as a number), or what proxies and imitations make of it (<c>message</c>, <c>error.message</c>).
/// </summary>
/// <param name="Code">Coze's number; 0 is success.</param>
/// <param name="Message">Coze's words.</param>
/// <param name="OAuthError">The OAuth server's name for it.</param>
/// <param name="LogId">For Coze's support.</param>
internal sealed record CozeRefusal(long? Code, string? Message, string? OAuthError = null, string? LogId = null)
{
    /// <summary>Reads a refusal, or as much of one as there is.</summary>
    public static CozeRefusal Of(JsonElement json, string? logId = null)
    {
        var error = json.Member("error"u8);
        var name = json.Number("error_code"u8) is null ? json.Text("error_code"u8) : null;
        // Some servers write every member there could be, empty where nothing went wrong.
        if (name is not { Length: > 0 }) name = error.ValueKind == JsonValueKind.String && error.Text() is { Length: > 0 } text ? text : null;
        return new CozeRefusal(
            json.Number("code"u8) ?? json.Number("error_code"u8) ?? error.Number("code"u8),
            json.Text("msg"u8) ?? json.Text("error_message"u8) ?? json.Text("message"u8) ?? error.Text("message"u8) ?? error.Text("msg"u8),
            name,
            json.Member("detail"u8).Text("logid"u8) ?? logId);
    }

    /// <summary>Whether this says that something went wrong.</summary>
    public bool IsError => Code is not (null or 0) || OAuthError is not null;
}
