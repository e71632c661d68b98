namespace CozeCluster.Discord;

/// <summary>Finds the pictures and files of messages, and turns them into parts of replies.</summary>
internal static class MessageMedia
{
    private static readonly string[] ImageEndings = [".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".bmp", ".svg"];

    /// <summary>All pictures and files in attachments, embeds and Components V2, except those that the message's text already shows.</summary>
    public static IReadOnlyList<DiscordMediaSeen> In(DiscordMessage message)
    {
        var text = MessageContent.Text(message);
        var all = new List<DiscordMediaSeen>();
        foreach (var attachment in (message.Attachments ?? []).OfType<DiscordAttachment>())
        {
            var isImage = IsImageFile(attachment.ContentType, attachment.Filename);
            Add(attachment.Url ?? attachment.ProxyUrl, attachment.Id.ToString(), attachment.Filename, isImage);
        }

        var number = 0;
        foreach (var embed in (message.Embeds ?? []).OfType<DiscordEmbed>())
        {
            var id = $"{message.Id}-embed-{number++}";
            Add(UrlOf(embed.Image), id, embed.Title, isImage: true);
            // Discord shows a picture's link as an embed of type "image", which has only a thumbnail.
            if (embed.Image is null && (embed.Type == "image" || embed.Url is null)) Add(UrlOf(embed.Thumbnail), id, embed.Title, isImage: true);
        }

        number = 0;
        foreach (var component in MessageContent.Components(message.Components))
        {
            if (component.Type == DiscordComponentType.Thumbnail)
            {
                Add(UrlOf(component.Media), $"{message.Id}-media-{number++}", component.Description, isImage: true);
            }
            if (component.Type == DiscordComponentType.File)
            {
                Add(UrlOf(component.File), $"{message.Id}-media-{number++}", FileName(UrlOf(component.File)), isImage: false);
            }
            foreach (var item in (component.Items ?? []).OfType<GalleryItem>())
            {
                Add(UrlOf(item.Media), $"{message.Id}-media-{number++}", item.Description, isImage: true);
            }
        }
        return all;

        void Add(string? url, string id, string? name, bool isImage)
        {
            if (string.IsNullOrEmpty(url)) return;
            // The signature in the query changes with each edit.
            var address = WithoutQuery(url);
            if (text.Contains(address, StringComparison.Ordinal) || all.Any(media => WithoutQuery(media.Url) == address)) return;
            all.Add(new DiscordMediaSeen(id, url, string.IsNullOrWhiteSpace(name) ? isImage ? "image" : "file" : name, isImage));
        }
    }

    /// <summary>A part of a reply.</summary>
    public static ReplyItem ToItem(this DiscordMediaSeen media) =>
        media.IsImage ? new ImageItem(media.Id, media.Url) : new OtherItem(media.Id, "file", media.ToMarkdown());

    /// <summary>A Markdown image or link.</summary>
    public static string ToMarkdown(this DiscordMediaSeen media)
    {
        var name = media.Name.Replace("[", "(", StringComparison.Ordinal).Replace("]", ")", StringComparison.Ordinal);
        var url = media.Url
            .Replace("(", "%28", StringComparison.Ordinal)
            .Replace(")", "%29", StringComparison.Ordinal)
            .Replace(" ", "%20", StringComparison.Ordinal);
        return $"{(media.IsImage ? "!" : "")}[{name}]({url})";
    }

    private static bool IsImageFile(string? contentType, string? name) =>
        contentType?.StartsWith("image/", StringComparison.OrdinalIgnoreCase)
        ?? ImageEndings.Any(ending => name?.EndsWith(ending, StringComparison.OrdinalIgnoreCase) == true);

    private static string? UrlOf(EmbedMedia? media) => media?.Url ?? media?.ProxyUrl;

    private static string? FileName(string? url) => url is null ? null : WithoutQuery(url).Split('/')[^1];

    private static string WithoutQuery(string url) => url.IndexOf('?', StringComparison.Ordinal) is >= 0 and var at ? url[..at] : url;
}
