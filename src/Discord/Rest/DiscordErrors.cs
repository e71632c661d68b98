using System.Collections.Frozen;
using CozeCluster.Upstreams.Http;

namespace CozeCluster.Discord;

/// <summary>The one place where Discord's JSON error codes and HTTP statuses become <see cref="ErrorCode"/>s (its API reference, "Opcodes and Status Codes").</summary>
internal static class DiscordErrors
{
    /// <summary>Discord is overloaded: worth another try.</summary>
    public const int Overloaded = 130000;

    /// <summary>The message already has a thread.</summary>
    public const int ThreadExists = 160004;

    private static readonly FrozenDictionary<int, (ErrorCode Code, string? Words)> Codes = new Dictionary<int, (ErrorCode, string?)>
    {
        [10003] = (ErrorCode.UpstreamNotFound, "The Discord channel does not exist, or not for this account."),
        [10004] = (ErrorCode.UpstreamNotFound, "The Discord server does not exist, or this account is not in it."),
        [10008] = (ErrorCode.UpstreamNotFound, "The Discord message does not exist any more."),
        [10013] = (ErrorCode.UpstreamNotFound, null),
        [20001] = (ErrorCode.UpstreamForbidden, null),
        [20016] = (ErrorCode.UpstreamRateLimited, "The Discord channel is in slow mode."),
        [20022] = (ErrorCode.UpstreamRateLimited, null),
        [20028] = (ErrorCode.UpstreamRateLimited, null),
        [20029] = (ErrorCode.UpstreamRateLimited, null),
        [DiscordRefusal.GuildFull] = (ErrorCode.UpstreamFailed, "The Discord server has as many channels as it may have (500)."),
        [40001] = (ErrorCode.UpstreamForbidden, null),
        [40002] = (ErrorCode.UpstreamUnauthorized, "Discord demands that the account is verified (e-mail or phone) before it may go on."),
        [40005] = (ErrorCode.FileRejected, "The files are larger than Discord takes."),
        [40062] = (ErrorCode.UpstreamRateLimited, null),
        [50001] = (ErrorCode.UpstreamForbidden, "The Discord account has no access: it is not in the server, or cannot see the channel."),
        [50006] = (ErrorCode.UpstreamInvalidRequest, "Discord takes no empty messages."),
        [50007] = (ErrorCode.UpstreamForbidden, null),
        [50008] = (ErrorCode.UpstreamInvalidRequest, null),
        [50013] = (ErrorCode.UpstreamForbidden, "The Discord account lacks a permission it needs in the server or channel."),
        [50014] = (ErrorCode.UpstreamUnauthorized, "Discord refuses the account's token."),
        [50035] = (ErrorCode.UpstreamInvalidRequest, null),
        [50045] = (ErrorCode.FileRejected, "A file is larger than Discord takes."),
        [50083] = (ErrorCode.UpstreamNotFound, "The Discord thread is archived."),
        [50109] = (ErrorCode.UpstreamInvalidRequest, null),
        [Overloaded] = (ErrorCode.UpstreamFailed, "Discord is overloaded."),
        [160005] = (ErrorCode.UpstreamForbidden, "The Discord thread is locked."),
        [200000] = (ErrorCode.ContentFiltered, "The Discord server's AutoMod blocked the message."),
        [240000] = (ErrorCode.ContentFiltered, "Discord blocked the message for a harmful link."),
        [400001] = (ErrorCode.FileRejected, "Discord takes no files from this account for now."),
    }.ToFrozenDictionary();

    /// <summary>The codes this table knows.</summary>
    public static IEnumerable<int> KnownCodes => Codes.Keys;

    /// <summary>What a refusal means.</summary>
    public static ErrorCode Map(int status, int code) => Codes.TryGetValue(code, out var known) ? known.Code : status switch
    {
        401 => ErrorCode.UpstreamUnauthorized,
        403 => ErrorCode.UpstreamForbidden,
        404 => ErrorCode.UpstreamNotFound,
        408 or 504 => ErrorCode.UpstreamTimeout,
        413 => ErrorCode.FileRejected,
        429 => ErrorCode.UpstreamRateLimited,
        >= 300 and < 400 => ErrorCode.UpstreamProtocol,
        >= 400 and < 500 => ErrorCode.UpstreamInvalidRequest,
        _ => ErrorCode.UpstreamFailed,
    };

    /// <summary>The error a client sees: in our words where the table has some, else in Discord's; without secrets and of sane length.</summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">What Discord said.</param>
    /// <param name="until">When it is worth trying again.</param>
    /// <param name="token">The token that was sent, which must not come back.</param>
    public static ClusterException ToException(int status, RefusalBody body, DateTimeOffset? until, string token)
    {
        if (body.IsCaptcha)
            return new ClusterException(ErrorCode.UpstreamForbidden, $"Discord asks the account for a captcha before it may go on (HTTP {status})", until: until, inner: new DiscordRefusal(status, body.Code, "captcha"));
        var said = UpstreamText.Clean(body.Fields.Count > 0 ? string.Join("; ", body.Fields) : body.Message, token);
        var words = Codes.TryGetValue(body.Code, out var known) ? known.Words : status == 401 ? "Discord refuses the account's token." : null;
        words ??= said.Length == 0 ? "Discord gave an error" : $"Discord says: {said}";
        var what = body.Code == 0 ? $"HTTP {status}" : $"code {body.Code}, HTTP {status}";
        return new ClusterException(
            Map(status, body.Code), $"{words} ({what})", until: until, inner: new DiscordRefusal(status, body.Code, said));
    }
}
