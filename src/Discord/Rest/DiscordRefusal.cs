using System.Text.Json;

namespace CozeCluster.Discord;

/// <summary>What Discord said when it refused: inside a <see cref="ClusterException"/>, for whoever has to tell refusals apart.</summary>
/// <param name="status">HTTP status.</param>
/// <param name="code">Discord's JSON error code; 0 where it has none.</param>
/// <param name="message">Discord's words.</param>
internal sealed class DiscordRefusal(int status, int code, string message) : Exception(message)
{
    /// <summary>A server takes no more channels.</summary>
    public const int GuildFull = 30013;

    /// <summary>There is no such channel.</summary>
    public const int UnknownChannel = 10003;

    /// <summary>There is no such server, or not for this token.</summary>
    public const int UnknownGuild = 10004;

    /// <summary>It is there, but not for this token.</summary>
    public const int MissingAccess = 50001;

    /// <summary>There is no such message.</summary>
    public const int UnknownMessage = 10008;

    /// <summary>A field of the body is wrong.</summary>
    public const int InvalidForm = 50035;

    /// <summary>HTTP status.</summary>
    public int Status => status;

    /// <summary>Discord's JSON error code; 0 where it has none.</summary>
    public int Code => code;

    /// <summary>Discord's code behind an error; null if it is none of Discord's refusals.</summary>
    public static int? CodeOf(Exception error) => (error.InnerException as DiscordRefusal)?.Code;

    /// <summary>Whether an error says that the server has all the channels it may have (500).</summary>
    public static bool IsGuildFull(Exception error) => CodeOf(error) == GuildFull;

    /// <summary>Whether an error says that a channel may not be made in its category: that is full, is gone, or is none.</summary>
    public static bool IsParentRefused(Exception error) =>
        error.InnerException is DiscordRefusal { Code: InvalidForm } refusal && refusal.Message.Contains("parent_id:", StringComparison.Ordinal);

    /// <summary>Whether an error says that a category has all the channels it may have (50). It has no code of its own, only words.</summary>
    public static bool IsCategoryFull(Exception error) =>
        error.InnerException is DiscordRefusal refusal && refusal.Message.Contains("channels in category reached", StringComparison.OrdinalIgnoreCase);
}

/// <summary>An error answer of Discord's: <c>{code, message, errors?, retry_after?, global?}</c>.</summary>
/// <param name="Code">0 where there is none.</param>
/// <param name="Message">Discord's words; null where the body is not Discord's, but of something in between.</param>
/// <param name="Fields">What is wrong with which field: <c>content: Must be 2000 or fewer in length.</c></param>
/// <param name="RetryAfter">On 429.</param>
/// <param name="IsGlobal">On 429: whether it is about all routes.</param>
internal sealed record RefusalBody(int Code, string? Message, IReadOnlyList<string> Fields, TimeSpan? RetryAfter, bool IsGlobal)
{
    /// <summary>Whether it is Discord's own: what stands before it answers with text or HTML.</summary>
    public bool IsDiscords => Message is not null || RetryAfter is not null;

    /// <summary>Whether a captcha is asked for (<c>captcha_key</c>; only of user accounts, and not documented).</summary>
    public bool IsCaptcha { get; init; }

    private const int MaxFields = 10;
    private const int MaxDepth = 16;

    /// <summary>Reads a body, or as much of one as there is.</summary>
    public static RefusalBody Of(ReadOnlySpan<byte> utf8)
    {
        JsonElement json;
        try
        {
            var reader = new Utf8JsonReader(utf8);
            json = JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return new RefusalBody(0, null, [], null, false);
        }
        if (json.ValueKind != JsonValueKind.Object) return new RefusalBody(0, null, [], null, false);
        var fields = new List<string>();
        if (json.TryGetProperty("errors"u8, out var errors)) Flatten(errors, "", fields, 0);
        return new RefusalBody(
            json.TryGetProperty("code"u8, out var code) && code.ValueKind == JsonValueKind.Number && code.TryGetInt32(out var number) ? number : 0,
            json.TryGetProperty("message"u8, out var message) && message.ValueKind == JsonValueKind.String ? message.GetString() : null,
            fields,
            json.TryGetProperty("retry_after"u8, out var wait) && wait.ValueKind == JsonValueKind.Number ? RateHeaders.Seconds(wait.GetDouble()) : null,
            json.TryGetProperty("global"u8, out var global) && global.ValueKind == JsonValueKind.True)
        {
            IsCaptcha = json.TryGetProperty("captcha_key"u8, out _),
        };
    }

    /// <summary>Nested objects and array indexes down to <c>_errors</c>, as paths: <c>embeds[0].title: …</c>.</summary>
    private static void Flatten(JsonElement errors, string path, List<string> fields, int depth)
    {
        if (errors.ValueKind != JsonValueKind.Object || depth > MaxDepth) return;
        foreach (var member in errors.EnumerateObject())
        {
            if (fields.Count >= MaxFields) return;
            if (member.Name == "_errors")
            {
                if (member.Value.ValueKind != JsonValueKind.Array) continue;
                foreach (var error in member.Value.EnumerateArray()) fields.Add(path.Length == 0 ? Words(error) : $"{path}: {Words(error)}");
            }
            else
            {
                var isIndex = member.Name.Length > 0 && member.Name.All(char.IsAsciiDigit);
                Flatten(member.Value, isIndex ? $"{path}[{member.Name}]" : path.Length == 0 ? member.Name : $"{path}.{member.Name}", fields, depth + 1);
            }
        }
    }

    private static string Words(JsonElement error) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message"u8, out var message) && message.ValueKind == JsonValueKind.String
            ? message.GetString()! : "refused";
}
