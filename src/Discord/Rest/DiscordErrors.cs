using System.Collections.Frozen;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Discord;

/// <summary>
/// The one place that maps Discord's JSON error codes and HTTP statuses to <see cref="ErrorCode"/>s (Discord's API reference, "Opcodes and Status Codes").
/// </summary>
internal static class DiscordErrors
{
    /// <summary>Discord is overloaded; a retry may succeed.</summary>
    public const int Overloaded = 130000;

    private static readonly FrozenDictionary<int, (ErrorCode Code, string? Message)> Codes = new Dictionary<int, (ErrorCode, string?)>
    {
        [DiscordErrorException.UnknownChannel] = (ErrorCode.UpstreamNotFound, "The Discord channel does not exist, or this account cannot see it."),
        [DiscordErrorException.UnknownGuild] = (ErrorCode.UpstreamNotFound, "The Discord server does not exist, or this account is not in it."),
        [DiscordErrorException.UnknownMessage] = (ErrorCode.UpstreamNotFound, "The Discord message does not exist any more."),
        [DiscordErrorException.UnknownUser] = (ErrorCode.UpstreamNotFound, null),
        [20001] = (ErrorCode.UpstreamForbidden, null),
        [20016] = (ErrorCode.UpstreamRateLimited, "The Discord channel is in slow mode."),
        [20022] = (ErrorCode.UpstreamRateLimited, null),
        [20028] = (ErrorCode.UpstreamRateLimited, null),
        [20029] = (ErrorCode.UpstreamRateLimited, null),
        [DiscordErrorException.GuildFull] = (ErrorCode.UpstreamFailed, "The Discord server has the maximum number of channels (500)."),
        [40001] = (ErrorCode.UpstreamForbidden, null),
        [40002] = (ErrorCode.UpstreamUnauthorized, "Discord requires the account to be verified (e-mail or phone) before it may continue."),
        [40005] = (ErrorCode.FileRejected, "The files are larger than Discord accepts."),
        [40062] = (ErrorCode.UpstreamRateLimited, null),
        [DiscordErrorException.MissingAccess] =
            (ErrorCode.UpstreamForbidden, "The Discord account has no access: it is not in the server, or cannot see the channel."),
        [50006] = (ErrorCode.UpstreamInvalidRequest, "Discord does not accept empty messages."),
        [50007] = (ErrorCode.UpstreamForbidden, null),
        [50008] = (ErrorCode.UpstreamInvalidRequest, null),
        [50013] = (ErrorCode.UpstreamForbidden, "The Discord account lacks a permission that it needs in the server or channel."),
        [50014] = (ErrorCode.UpstreamUnauthorized, "Discord rejected the account's token."),
        [DiscordErrorException.InvalidForm] = (ErrorCode.UpstreamInvalidRequest, null),
        [50045] = (ErrorCode.FileRejected, "A file is larger than Discord accepts."),
        [50083] = (ErrorCode.UpstreamNotFound, "The Discord thread is archived."),
        [50109] = (ErrorCode.UpstreamInvalidRequest, null),
        [Overloaded] = (ErrorCode.UpstreamFailed, "Discord is overloaded."),
        [160005] = (ErrorCode.UpstreamForbidden, "The Discord thread is locked."),
        [200000] = (ErrorCode.ContentFiltered, "The Discord server's AutoMod blocked the message."),
        [240000] = (ErrorCode.ContentFiltered, "Discord blocked the message because of a harmful link."),
        [400001] = (ErrorCode.FileRejected, "Discord accepts no files from this account at the moment."),
    }.ToFrozenDictionary();

    // About the account itself. All other refusals are about one server, channel or bot, and so is a 403 with a code that is not known.
    private static readonly FrozenSet<int> AboutTheAccount = FrozenSet.Create(40001, 40002, 50014);

    /// <summary>Discord's codes that this table contains.</summary>
    public static IEnumerable<int> KnownCodes => Codes.Keys;

    /// <summary>Maps an error response.</summary>
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

    /// <summary>
    /// Creates the error that a client sees. Its text is from this table where it has one, else from Discord; it is short and contains no secrets.
    /// </summary>
    /// <param name="status">HTTP status.</param>
    /// <param name="body">Discord's error body.</param>
    /// <param name="until">When a retry can succeed; null: unknown.</param>
    /// <param name="token">The token that was sent, which is removed from the text.</param>
    /// <param name="isForAllChannels">Whether a rate limit is the one of the token or of the address, not of a channel.</param>
    public static ClusterException ToException(int status, DiscordErrorBody body, DateTimeOffset? until, string token, bool isForAllChannels = false)
    {
        if (body.IsCaptcha)
        {
            return new ClusterException(
                ErrorCode.UpstreamForbidden,
                $"Discord requires the account to solve a captcha before it may continue (HTTP {status})",
                until: until,
                inner: new DiscordErrorException(status, body.Code, "captcha"));
        }
        var detail = UpstreamText.Clean(body.Fields.Count > 0 ? string.Join("; ", body.Fields) : body.Message, token);
        var message = Codes.TryGetValue(body.Code, out var known) ? known.Message : status == 401 ? "Discord rejected the account's token." : null;
        message ??= detail.Length == 0 ? "Discord returned an error" : $"Discord says: {detail}";
        var origin = body.Code == 0 ? $"HTTP {status}" : $"code {body.Code}, HTTP {status}";
        var code = Map(status, body.Code);
        return new ClusterException(code, $"{message} ({origin})", until: until, inner: new DiscordErrorException(status, body.Code, detail))
        {
            IsForOneBotOnly = code switch
            {
                ErrorCode.UpstreamForbidden => !AboutTheAccount.Contains(body.Code),
                ErrorCode.UpstreamRateLimited => !isForAllChannels,
                _ => false,
            },
        };
    }

    /// <summary>
    /// An error of a listener as one of the turn that needed the listener. The account of the turn is not to blame, whatever Discord refused the listener, and
    /// neither is the client.
    /// </summary>
    public static ClusterException OfListener(ClusterException error, string listenerId) => error.Info.RecoveryAction != RecoveryAction.RotateAccount
        ? error
        : new ClusterException(
            ErrorCode.UpstreamUnavailable, $"Discord refuses the listener '{listenerId}': {error.Message}", until: error.Until, inner: error.InnerException);
}

/// <summary>Discord's error response: the inner exception of a <see cref="ClusterException"/>, for callers that handle certain errors.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">Discord's JSON error code; 0 where the response has none.</param>
/// <param name="message">Discord's text.</param>
internal sealed class DiscordErrorException(int status, int code, string message) : Exception(message)
{
    /// <summary>The server has the maximum number of channels.</summary>
    public const int GuildFull = 30013;

    /// <summary>The channel does not exist.</summary>
    public const int UnknownChannel = 10003;

    /// <summary>The server does not exist, or this token has no access to it.</summary>
    public const int UnknownGuild = 10004;

    /// <summary>The user is not a member of the server.</summary>
    public const int UnknownMember = 10007;

    /// <summary>The message does not exist.</summary>
    public const int UnknownMessage = 10008;

    /// <summary>The user does not exist.</summary>
    public const int UnknownUser = 10013;

    /// <summary>The object exists, but this token has no access to it.</summary>
    public const int MissingAccess = 50001;

    /// <summary>A field of the body is not valid.</summary>
    public const int InvalidForm = 50035;

    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>Discord's JSON error code; 0 where the response has none.</summary>
    public int Code => code;

    /// <summary>Discord's code behind an error; null if the error is not a response of Discord.</summary>
    public static int? CodeOf(Exception error) => (error.InnerException as DiscordErrorException)?.Code;

    /// <summary>Whether the server has the maximum number of channels (500).</summary>
    public static bool IsGuildFull(Exception error) => CodeOf(error) == GuildFull;

    /// <summary>Whether Discord rejected the parent of a new channel: the category is full, does not exist, or is not a category.</summary>
    public static bool IsParentRejected(Exception error) =>
        error.InnerException is DiscordErrorException { Code: InvalidForm } rejection && rejection.Message.Contains("parent_id:", StringComparison.Ordinal);

    /// <summary>Whether a category has the maximum number of channels (50). Discord has no code for this, only a text.</summary>
    public static bool IsCategoryFull(Exception error) =>
        error.InnerException is DiscordErrorException rejection
        && rejection.Message.Contains("channels in category reached", StringComparison.OrdinalIgnoreCase);
}

/// <summary>The body of an error response: <c>{code, message, errors?, retry_after?, global?}</c>.</summary>
/// <param name="Code">Discord's JSON error code; 0 where there is none.</param>
/// <param name="Message">Discord's text; null where the body was not written by Discord, but by something in between.</param>
/// <param name="Fields">Errors of single fields: <c>content: Must be 2000 or fewer in length.</c></param>
/// <param name="RetryAfter">On 429: how long to wait.</param>
/// <param name="IsGlobal">On 429: whether the limit applies to all routes.</param>
internal sealed record DiscordErrorBody(int Code, string? Message, IReadOnlyList<string> Fields, TimeSpan? RetryAfter, bool IsGlobal)
{
    private const int MaxFields = 10;
    private const int MaxDepth = 16;

    /// <summary>Whether Discord's API wrote the body. Servers in front of it answer with text or HTML.</summary>
    public bool IsFromDiscord => Message is not null || RetryAfter is not null;

    /// <summary>Whether Discord requires a captcha (<c>captcha_key</c>; for user accounts only, and not documented).</summary>
    public bool IsCaptcha { get; init; }

    /// <summary>Reads a body. Whatever cannot be read is left out.</summary>
    public static DiscordErrorBody Read(ReadOnlySpan<byte> utf8)
    {
        JsonElement json;
        try
        {
            var reader = new Utf8JsonReader(utf8);
            json = JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return new DiscordErrorBody(0, null, [], null, false);
        }
        if (json.ValueKind != JsonValueKind.Object) return new DiscordErrorBody(0, null, [], null, false);
        var fields = new List<string>();
        if (json.TryGetProperty("errors"u8, out var errors)) Flatten(errors, "", fields, 0);
        return new DiscordErrorBody(
            json.TryGetProperty("code"u8, out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number) ? number : 0,
            json.TryGetProperty("message"u8, out var message) && message.ValueKind == JsonValueKind.String ? message.GetString() : null,
            fields,
            json.TryGetProperty("retry_after"u8, out var wait) && wait.ValueKind == JsonValueKind.Number ? RateLimitHeaders.Seconds(wait.GetDouble()) : null,
            json.TryGetProperty("global"u8, out var global) && global.ValueKind == JsonValueKind.True)
        {
            IsCaptcha = json.TryGetProperty("captcha_key"u8, out _),
        };
    }

    /// <summary>Turns nested objects and array indexes, down to <c>_errors</c>, into paths: <c>embeds[0].title: …</c>.</summary>
    private static void Flatten(JsonElement errors, string path, List<string> fields, int depth)
    {
        if (errors.ValueKind != JsonValueKind.Object || depth > MaxDepth) return;
        foreach (var member in errors.EnumerateObject())
        {
            if (fields.Count >= MaxFields) return;
            if (member.Name == "_errors")
            {
                if (member.Value.ValueKind != JsonValueKind.Array) continue;
                foreach (var error in member.Value.EnumerateArray()) fields.Add(path.Length == 0 ? TextOf(error) : $"{path}: {TextOf(error)}");
            }
            else
            {
                var isIndex = member.Name.Length > 0 && member.Name.All(char.IsAsciiDigit);
                Flatten(member.Value, isIndex ? $"{path}[{member.Name}]" : path.Length == 0 ? member.Name : $"{path}.{member.Name}", fields, depth + 1);
            }
        }
    }

    private static string TextOf(JsonElement error) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message"u8, out var message) && message.ValueKind == JsonValueKind.String
            ? message.GetString()!
            : "refused";
}
