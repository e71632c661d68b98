namespace CozeCluster.Discord;

/// <summary>Discord's messages as the house sees them.</summary>
internal static class SeenMessage
{
    /// <summary>A message, whole or as much of it as an update told.</summary>
    public static DiscordMessageSeen Of(DiscordMessage message) => new()
    {
        Id = message.Id.ToString(),
        ChannelId = message.ChannelId.ToString(),
        AuthorId = message.Author?.Id.ToString(),
        Text = TextOf(message),
        RepliesTo = message.MessageReference is { Type: null or 0, MessageId: { IsNone: false } id } ? id.ToString() : null,
        Mentions = [.. (message.Mentions ?? []).OfType<DiscordUser>().Select(user => user.Id.ToString())],
        Media = MediaOf(message),
        Suggestions = ComponentText.Suggestions(message),
        HasButtons = ComponentText.All(message.Components).Any(component => component.Type == DiscordComponentType.Button),
        IsLoading = message.Flags?.HasFlag(MessageFlags.Loading) ?? false,
        EditedAt = message.EditedTimestamp,
    };

    private static string? TextOf(DiscordMessage message)
    {
        var said = ComponentText.Of(message);
        // An update of previews or buttons alone tells none.
        if (message.Content is null && said.Length == 0) return null;
        var embedded = EmbedMarkdown.Of(message);
        return said.Length == 0 ? embedded : embedded.Length == 0 ? said : $"{said}\n\n{embedded}";
    }

    private static IReadOnlyList<DiscordMediaSeen>? MediaOf(DiscordMessage message)
    {
        var all = MessageMedia.Of(message);
        // An update of text or buttons alone tells none.
        if (all.Count == 0 && message.Attachments is null) return null;
        return [.. all.Select(media => new DiscordMediaSeen(media.Id, media.Url, media.Name, media.IsImage))];
    }
}
