using System.Text;

namespace CozeCluster.Discord;

/// <summary>Reads the text of messages: from their content, from Components V2 and from embeds. Pictures and files are in <see cref="MessageMedia"/>.</summary>
internal static class MessageContent
{
    // Discord allows 40 components. Deeper nesting does not come from Discord.
    private const int MaxDepth = 16;
    private const int LinkStyle = 5;

    /// <summary>Turns a message, complete or as much of it as an update contains, into the event that watches deliver.</summary>
    public static DiscordMessageSeen ToEvent(DiscordMessage message) => new()
    {
        Id = message.Id.ToString(),
        ChannelId = message.ChannelId.ToString(),
        AuthorId = message.Author?.Id.ToString(),
        Text = FullText(message),
        RepliesTo = message.MessageReference is { Type: null or 0, MessageId: { IsNone: false } id } ? id.ToString() : null,
        Mentions = [.. (message.Mentions ?? []).OfType<DiscordUser>().Select(user => user.Id.ToString())],
        Media = MessageMedia.In(message) is var media && media.Count == 0 && message.Attachments is null ? null : media,
        Suggestions = Suggestions(message),
        HasButtons = Components(message.Components).Any(component => component.Type == DiscordComponentType.Button),
        IsLoading = message.Flags?.HasFlag(MessageFlags.Loading) ?? false,
        EditedAt = message.EditedTimestamp,
    };

    /// <summary>The message's content and the text displays of its components, each on a line of its own; without embeds.</summary>
    public static string Text(DiscordMessage message)
    {
        var texts = new List<string>();
        if (!string.IsNullOrEmpty(message.Content)) texts.Add(message.Content);
        foreach (var component in Components(message.Components))
        {
            if (component.Type == DiscordComponentType.TextDisplay && !string.IsNullOrEmpty(component.Content)) texts.Add(component.Content);
        }
        return texts.Count == 1 ? texts[0] : string.Join('\n', texts);
    }

    /// <summary>
    /// The message's embeds as Markdown, with a blank line between them; empty if there are none. Previews of links in the text are left out, because they are
    /// not the bot's words.
    /// </summary>
    public static string EmbedText(DiscordMessage message)
    {
        var text = Text(message);
        var embeds = (message.Embeds ?? []).OfType<DiscordEmbed>().Where(embed => !IsPreview(embed, text)).Select(ToMarkdown).Where(part => part.Length > 0);
        return string.Join("\n\n", embeds);
    }

    /// <summary>The labels of plain buttons, in order: the questions that Coze suggests to ask next. Links and purchases are not among them.</summary>
    public static IReadOnlyList<string> Suggestions(DiscordMessage message) =>
    [
        .. Components(message.Components)
            .Where(component => component is { Type: DiscordComponentType.Button, Style: null or < LinkStyle, Label.Length: > 0 })
            .Select(button => button.Label!),
    ];

    /// <summary>All components, each before those that it contains.</summary>
    internal static IEnumerable<DiscordComponent> Components(IReadOnlyList<DiscordComponent>? components, int depth = 0)
    {
        if (components is null || depth > MaxDepth) yield break;
        foreach (var component in components.OfType<DiscordComponent>())
        {
            yield return component;
            foreach (var inner in Components(component.Components, depth + 1)) yield return inner;
            if (component.Accessory is not { } accessory) continue;
            foreach (var inner in Components([accessory], depth + 1)) yield return inner;
        }
    }

    /// <summary>Text and embeds; null if the message is an update of previews or buttons that contains neither.</summary>
    private static string? FullText(DiscordMessage message)
    {
        var text = Text(message);
        if (message.Content is null && text.Length == 0) return null;
        var embeds = EmbedText(message);
        return text.Length == 0 ? embeds : embeds.Length == 0 ? text : $"{text}\n\n{embeds}";
    }

    private static bool IsPreview(DiscordEmbed embed, string text) =>
        embed.Type is not (null or "rich") || (embed.Url is { } url && text.Contains(url, StringComparison.Ordinal));

    private static string ToMarkdown(DiscordEmbed embed)
    {
        var text = new StringBuilder();
        if (!string.IsNullOrWhiteSpace(embed.Title)) Add(embed.Url is null ? $"**{embed.Title}**" : $"**[{embed.Title}]({embed.Url})**");
        if (!string.IsNullOrWhiteSpace(embed.Description)) Add(embed.Description);
        foreach (var field in (embed.Fields ?? []).OfType<EmbedField>()) Add($"**{field.Name}**: {field.Value}");
        if (!string.IsNullOrWhiteSpace(embed.Footer?.Text)) Add($"*{embed.Footer.Text}*");
        return text.ToString();

        void Add(string paragraph)
        {
            if (text.Length > 0) text.Append("\n\n");
            text.Append(paragraph);
        }
    }
}
