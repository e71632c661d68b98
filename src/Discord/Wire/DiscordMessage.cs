using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>A message. An update event may contain only what changed: null means that the event did not include the field.</summary>
internal sealed record DiscordMessage
{
    public Snowflake Id { get; init; }

    public Snowflake ChannelId { get; init; }

    /// <summary>In events only, and not in direct messages.</summary>
    public Snowflake? GuildId { get; init; }

    public DiscordUser? Author { get; init; }

    /// <summary>Empty for bots without the message content intent, and in Components V2 messages.</summary>
    public string? Content { get; init; }

    public DateTimeOffset? EditedTimestamp { get; init; }

    public IReadOnlyList<DiscordUser>? Mentions { get; init; }

    public IReadOnlyList<DiscordAttachment>? Attachments { get; init; }

    public IReadOnlyList<DiscordEmbed>? Embeds { get; init; }

    public IReadOnlyList<DiscordComponent>? Components { get; init; }

    /// <summary>The id that the sender chose for the message.</summary>
    [JsonConverter(typeof(NonceConverter))]
    public string? Nonce { get; init; }

    public MessageFlags? Flags { get; init; }

    /// <summary>0: plain message; 19: reply; 20: response to a command.</summary>
    public int? Type { get; init; }

    /// <summary>The message that this one replies to or forwards.</summary>
    public MessageReference? MessageReference { get; init; }
}

/// <summary>Flags of a message, as far as this project uses them.</summary>
[Flags]
internal enum MessageFlags
{
    None = 0,
    SuppressEmbeds = 1 << 2,

    /// <summary>Discord shows the application as "thinking".</summary>
    Loading = 1 << 7,
    SuppressNotifications = 1 << 12,
    ComponentsV2 = 1 << 15,
}

/// <summary>A reference to another message.</summary>
internal sealed record MessageReference
{
    /// <summary>0 or null: reply; 1: forwarded message.</summary>
    public int? Type { get; init; }

    public Snowflake? MessageId { get; init; }

    public Snowflake? ChannelId { get; init; }

    public Snowflake? GuildId { get; init; }

    /// <summary>When sending: whether a missing message is an error (50035). Default true.</summary>
    public bool? FailIfNotExists { get; init; }
}

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

/// <summary>A box with text and pictures below a message.</summary>
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

/// <summary>A picture or file by URL, in embeds and Components V2.</summary>
internal sealed record EmbedMedia
{
    public string? Url { get; init; }

    public string? ProxyUrl { get; init; }
}

/// <summary>The last line of an embed.</summary>
internal sealed record EmbedFooter(string? Text);

/// <summary>A named value in an embed.</summary>
internal sealed record EmbedField(string? Name, string? Value);

/// <summary>Discord's component types, as far as this project reads them.</summary>
internal enum DiscordComponentType
{
    Unknown = 0,
    ActionRow = 1,
    Button = 2,
    Section = 9,
    TextDisplay = 10,
    Thumbnail = 11,
    MediaGallery = 12,
    File = 13,
    Separator = 14,
    Container = 17,
}

/// <summary>A button, a row of buttons or, with Components V2, a text, a picture or a container of components. Only the fields of its type are set.</summary>
internal sealed record DiscordComponent
{
    public DiscordComponentType Type { get; init; }

    /// <summary>1 to 4: plain buttons; 5: link; 6: purchase.</summary>
    public int? Style { get; init; }

    public string? Label { get; init; }

    public string? Url { get; init; }

    /// <summary>Markdown of a text display.</summary>
    public string? Content { get; init; }

    /// <summary>The components in a row, section or container.</summary>
    public IReadOnlyList<DiscordComponent>? Components { get; init; }

    /// <summary>The button or thumbnail beside a section.</summary>
    public DiscordComponent? Accessory { get; init; }

    /// <summary>The picture of a thumbnail.</summary>
    public EmbedMedia? Media { get; init; }

    /// <summary>The address of a file.</summary>
    public EmbedMedia? File { get; init; }

    /// <summary>The pictures of a gallery.</summary>
    public IReadOnlyList<GalleryItem>? Items { get; init; }

    public string? Description { get; init; }
}

/// <summary>A picture of a gallery.</summary>
internal sealed record GalleryItem(EmbedMedia? Media, string? Description);
