namespace CozeCluster.Discord;

/// <summary>Discord's component types, as far as this house reads them.</summary>
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

/// <summary>A button, a row of them, or (Components V2) text, pictures and what holds them. Only what its type has is set.</summary>
internal sealed record DiscordComponent
{
    public DiscordComponentType Type { get; init; }

    /// <summary>1 to 4: plain buttons; 5: a link; 6: a purchase.</summary>
    public int? Style { get; init; }

    public string? Label { get; init; }

    public string? CustomId { get; init; }

    public string? Url { get; init; }

    /// <summary>Markdown of a text display.</summary>
    public string? Content { get; init; }

    /// <summary>What rows, sections and containers hold.</summary>
    public IReadOnlyList<DiscordComponent>? Components { get; init; }

    /// <summary>What stands beside a section: a button or a thumbnail.</summary>
    public DiscordComponent? Accessory { get; init; }

    /// <summary>A thumbnail's picture.</summary>
    public EmbedMedia? Media { get; init; }

    /// <summary>A file's place.</summary>
    public EmbedMedia? File { get; init; }

    /// <summary>A gallery's pictures.</summary>
    public IReadOnlyList<GalleryItem>? Items { get; init; }

    public string? Description { get; init; }
}

/// <summary>A picture of a gallery.</summary>
internal sealed record GalleryItem(EmbedMedia? Media, string? Description);
