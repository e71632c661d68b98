namespace CozeCluster.Discord;

/// <summary>A picture or file of a message.</summary>
/// <param name="Id">Unique in the message and the same in every edit of it.</param>
/// <param name="Url">Where it is; Discord's own addresses are signed and expire.</param>
/// <param name="Name">For readers.</param>
/// <param name="IsImage">Whether it is a picture.</param>
internal sealed record MessageMedia(string Id, string Url, string Name, bool IsImage)
{
    private static readonly string[] ImageEndings = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".svg"];

    /// <summary>As Markdown: an image or a link.</summary>
    public string ToMarkdown()
    {
        var name = Name.Replace("[", "(", StringComparison.Ordinal).Replace("]", ")", StringComparison.Ordinal);
        var url = Url.Replace("(", "%28", StringComparison.Ordinal).Replace(")", "%29", StringComparison.Ordinal).Replace(" ", "%20", StringComparison.Ordinal);
        return $"{(IsImage ? "!" : "")}[{name}]({url})";
    }

    /// <summary>As a part of a reply.</summary>
    public ReplyItem ToItem() => IsImage ? new ImageItem(Id, Url) : new OtherItem(Id, "file", ToMarkdown());

    /// <summary>Everything to see or download of a message that its text does not show already: attachments, embeds, Components V2.</summary>
    public static IReadOnlyList<MessageMedia> Of(DiscordMessage message)
    {
        var text = ComponentText.Of(message);
        var all = new List<MessageMedia>();
        foreach (var attachment in (message.Attachments ?? []).OfType<DiscordAttachment>())
            Add(attachment.Url ?? attachment.ProxyUrl, attachment.Id.ToString(), attachment.Filename, IsImageFile(attachment.ContentType, attachment.Filename));

        var number = 0;
        foreach (var embed in (message.Embeds ?? []).OfType<DiscordEmbed>())
        {
            Add(UrlOf(embed.Image), $"{message.Id}-embed-{number}", embed.Title, isImage: true);
            // Pictures that stand alone in a message come as an embed of this type with a thumbnail only.
            if (embed.Image is null && (embed.Type == "image" || embed.Url is null)) Add(UrlOf(embed.Thumbnail), $"{message.Id}-embed-{number}", embed.Title, isImage: true);
            number++;
        }

        number = 0;
        foreach (var component in ComponentText.All(message.Components))
        {
            if (component.Type == DiscordComponentType.Thumbnail) Add(UrlOf(component.Media), $"{message.Id}-media-{number++}", component.Description, isImage: true);
            if (component.Type == DiscordComponentType.File) Add(UrlOf(component.File), $"{message.Id}-media-{number++}", NameIn(UrlOf(component.File)), isImage: false);
            foreach (var item in (component.Items ?? []).OfType<GalleryItem>()) Add(UrlOf(item.Media), $"{message.Id}-media-{number++}", item.Description, isImage: true);
        }
        return all;

        void Add(string? url, string id, string? name, bool isImage)
        {
            if (string.IsNullOrEmpty(url)) return;
            // Signatures in the query change with each edit.
            var address = WithoutQuery(url);
            if (text.Contains(address, StringComparison.Ordinal) || all.Any(media => WithoutQuery(media.Url) == address)) return;
            all.Add(new MessageMedia(id, url, string.IsNullOrWhiteSpace(name) ? isImage ? "image" : "file" : name, isImage));
        }
    }

    private static bool IsImageFile(string? contentType, string? name) =>
        contentType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
        ?? ImageEndings.Any(ending => name?.EndsWith(ending, StringComparison.OrdinalIgnoreCase) == true);

    private static string? UrlOf(EmbedMedia? media) => media?.Url ?? media?.ProxyUrl;

    private static string? NameIn(string? url) => url is null ? null : WithoutQuery(url).Split('/')[^1];

    private static string WithoutQuery(string url) => url.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? url[..at] : url;
}
