using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>A message to post. It needs a text or a file.</summary>
internal sealed record NewMessage
{
    /// <summary>At most <see cref="DiscordLimits.MessageUnits"/> UTF-16 code units.</summary>
    public string? Content { get; init; }

    /// <summary>
    /// At most 25 characters; Discord posts a message once, even if it is sent twice with the same nonce. Null: a random nonce, which makes the retries of this
    /// one request safe.
    /// </summary>
    public string? Nonce { get; init; }

    /// <summary>Whether Discord looks for an earlier message with the same nonce (it remembers nonces for some minutes). Always set when sending.</summary>
    public bool? EnforceNonce { get; init; }

    /// <summary>Users whom the message may notify; null: everyone it mentions.</summary>
    public AllowedMentions? AllowedMentions { get; init; }

    /// <summary>The message that this one replies to.</summary>
    public MessageReference? MessageReference { get; init; }

    public MessageFlags? Flags { get; init; }

    /// <summary>Set from <see cref="Files"/> when sending.</summary>
    public IReadOnlyList<AttachmentDraft>? Attachments { get; init; }

    /// <summary>At most <see cref="DiscordLimits.FilesPerMessage"/>.</summary>
    [JsonIgnore]
    public IReadOnlyList<DiscordFile> Files { get => field ?? []; init; }
}

/// <summary>Users whom a message may notify.</summary>
/// <param name="Users">At most 100.</param>
internal sealed record AllowedMentions(IReadOnlyList<Snowflake> Users)
{
    /// <summary>Kinds of mentions that are allowed without exception; none.</summary>
    public IReadOnlyList<string> Parse { get => field ?? []; init; }

    /// <summary>Allows these users and no others.</summary>
    public static AllowedMentions Only(params IReadOnlyList<Snowflake> users) => new(users);
}

/// <summary>An attachment in a request, identified by the number of a file in the request.</summary>
internal sealed record AttachmentDraft(Snowflake Id, string? Filename = null, string? Description = null);

/// <summary>A file to upload with a message.</summary>
/// <param name="Name">The name that readers see.</param>
/// <param name="ContentType">Media type; null: Discord chooses.</param>
/// <param name="Length">Bytes.</param>
/// <param name="Open">Opens the content, once for each attempt; the stream is disposed afterwards.</param>
internal sealed record DiscordFile(string Name, string? ContentType, long Length, Func<CancellationToken, ValueTask<Stream>> Open)
{
    public string? Description { get; init; }

    /// <summary>A file from memory.</summary>
    public static DiscordFile Of(string name, string? contentType, byte[] content) =>
        new(name, contentType, content.Length, _ => ValueTask.FromResult<Stream>(new MemoryStream(content, writable: false)));
}

/// <summary>Discord's limits that are checked before sending.</summary>
internal static class DiscordLimits
{
    /// <summary>UTF-16 code units of a message's content. Discord does not document the unit; this is the strictest interpretation.</summary>
    public const int MessageUnits = 2000;

    /// <summary>Bytes of one file in a server without boosts: 10 MiB.</summary>
    public const long FileBytes = 10 * 1024 * 1024;

    /// <summary>Bytes of a request: 25 MiB.</summary>
    public const long RequestBytes = 25 * 1024 * 1024;

    /// <summary>Files of one message.</summary>
    public const int FilesPerMessage = 10;

    /// <summary>Characters of a nonce.</summary>
    public const int NonceLength = 25;

    /// <summary>Checks the files of one message.</summary>
    /// <returns>Why Discord would reject them; null if it would not.</returns>
    public static string? FindFileProblem(IReadOnlyList<(string Name, long Length)> files)
    {
        if (files.Count > FilesPerMessage) return $"The message has {files.Count} files; Discord accepts {FilesPerMessage}.";
        foreach (var (name, length) in files)
        {
            if (length > FileBytes) return $"The file '{name}' has {length} bytes; Discord accepts {FileBytes}.";
        }
        var total = files.Sum(file => file.Length);
        return total > RequestBytes ? $"The files of the message have {total} bytes in total; Discord accepts {RequestBytes}." : null;
    }
}
