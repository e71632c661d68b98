using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>A message to be sent. It needs a text or a file.</summary>
internal sealed record NewMessage
{
    /// <summary>At most <see cref="DiscordLimits.MessageUnits"/> UTF-16 units.</summary>
    public string? Content { get; init; }

    /// <summary>
    /// At most 25 characters; the same message sent twice under one nonce is posted once. Null: one is made up, which guards the retries of this one call.
    /// </summary>
    public string? Nonce { get; init; }

    /// <summary>Whether Discord looks for an earlier message of that nonce (it remembers for minutes). Always set when sending.</summary>
    public bool? EnforceNonce { get; init; }

    /// <summary>Whom the text may ping; null: everybody it mentions.</summary>
    public AllowedMentions? AllowedMentions { get; init; }

    /// <summary>The message it replies to.</summary>
    public MessageReference? MessageReference { get; init; }

    public MessageFlags? Flags { get; init; }

    /// <summary>Derived from <see cref="Files"/> when sending.</summary>
    public IReadOnlyList<AttachmentDraft>? Attachments { get; init; }

    /// <summary>At most <see cref="DiscordLimits.FilesPerMessage"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<DiscordFile> Files { get => field ?? []; init; }
}

/// <summary>What is to change of an own message; null leaves it as it is.</summary>
internal sealed record MessageChange
{
    public string? Content { get; init; }

    public AllowedMentions? AllowedMentions { get; init; }

    /// <summary>All attachments that stay; null: all.</summary>
    public IReadOnlyList<AttachmentDraft>? Attachments { get; init; }
}

/// <summary>Whom a text may ping.</summary>
/// <param name="Users">At most 100.</param>
internal sealed record AllowedMentions(IReadOnlyList<Snowflake> Users)
{
    /// <summary>Kinds that may all be pinged; none.</summary>
    public IReadOnlyList<string> Parse { get => field ?? []; init; }

    /// <summary>Whether the author of the message replied to is pinged.</summary>
    public bool? RepliedUser { get; init; }

    /// <summary>Nobody but these.</summary>
    public static AllowedMentions Only(params IReadOnlyList<Snowflake> users) => new(users);
}

/// <summary>An attachment in a request: the number of a file sent along, or the id of one that stays.</summary>
internal sealed record AttachmentDraft(Snowflake Id, string? Filename = null, string? Description = null);

/// <summary>A file to be sent along.</summary>
/// <param name="Name">As readers see it.</param>
/// <param name="ContentType">Media type; null leaves it to Discord.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Open">Opens the content, anew for each attempt; the stream is disposed of.</param>
internal sealed record DiscordFile(string Name, string? ContentType, long Length, Func<CancellationToken, ValueTask<Stream>> Open)
{
    public string? Description { get; init; }

    /// <summary>A file from memory.</summary>
    public static DiscordFile Of(string name, string? contentType, byte[] content) =>
        new(name, contentType, content.Length, _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)));
}

/// <summary>Limits of Discord's that are checked before sending.</summary>
internal static class DiscordLimits
{
    /// <summary>UTF-16 units of a message's content. The unit is not documented; this is the strictest reading.</summary>
    public const int MessageUnits = 2000;

    /// <summary>Bytes of one file in a guild without boosts: 10 MiB.</summary>
    public const long FileBytes = 10 * 1024 * 1024;

    /// <summary>Bytes of a request: 25 MiB.</summary>
    public const long RequestBytes = 25 * 1024 * 1024;

    /// <summary>Files of one message.</summary>
    public const int FilesPerMessage = 10;

    /// <summary>Characters of a nonce.</summary>
    public const int NonceLength = 25;
}
