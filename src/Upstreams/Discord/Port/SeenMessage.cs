using CozeCluster.Messages;

namespace CozeCluster.Upstreams.Discord;

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
        Mentions = [.. (message.Mentions ?? []).Select(user => user.Id.ToString())],
        Media = [.. MessageMedia.Of(message).Select(media => new DiscordMediaSeen(media.Id, media.Url, media.Name, media.IsImage))],
        Suggestions = ComponentText.Suggestions(message),
        HasButtons = ComponentText.All(message.Components).Any(component => component.Type == DiscordComponentType.Button),
        IsLoading = message.Flags?.HasFlag(MessageFlags.Loading) ?? false,
        EditedAt = message.EditedTimestamp,
    };

    private static string? TextOf(DiscordMessage message)
    {
        // An update of previews alone tells neither.
        if (message.Content is null && message.Components is null) return null;
        var said = ComponentText.Of(message);
        var embedded = EmbedMarkdown.Of(message);
        return said.Length == 0 ? embedded : embedded.Length == 0 ? said : $"{said}\n\n{embedded}";
    }
}
