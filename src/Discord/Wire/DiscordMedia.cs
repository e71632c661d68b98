namespace CozeCluster.Discord;

/// <summary>A file of a message. Its URLs are signed and expire.</summary>
internal sealed record DiscordAttachment
{
    public Snowflake Id { get; init; }

    public string? Filename { get; init; }

    /// <summary>Bytes.</summary>
    public long? Size { get; init; }

    public string? Url { get; init; }

    public string? ProxyUrl { get; init; }

    public string? ContentType { get; init; }

    public string? Description { get; init; }
}

/// <summary>A box of text and pictures below a message.</summary>
internal sealed record DiscordEmbed
{
    /// <summary><c>rich</c>, <c>image</c>, <c>link</c>, …</summary>
    public string? Type { get; init; }

    public string? Title { get; init; }

    public string? Description { get; init; }

    public string? Url { get; init; }

    public EmbedMedia? Image { get; init; }

    public EmbedMedia? Thumbnail { get; init; }

    public EmbedFooter? Footer { get; init; }

    public IReadOnlyList<EmbedField>? Fields { get; init; }
}

/// <summary>A picture by URL, in embeds and Components V2.</summary>
internal sealed record EmbedMedia
{
    public string? Url { get; init; }

    public string? ProxyUrl { get; init; }
}

/// <summary>The last line of an embed.</summary>
internal sealed record EmbedFooter(string? Text);

/// <summary>A named value in an embed.</summary>
internal sealed record EmbedField(string? Name, string? Value);
