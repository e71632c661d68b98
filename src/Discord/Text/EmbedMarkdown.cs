using System.Text;

namespace CozeCluster.Discord;

/// <summary>Embeds as Markdown. Previews of links that the text holds are none of the bot's words and are left out; pictures are in <see cref="MessageMedia"/>.</summary>
internal static class EmbedMarkdown
{
    /// <summary>The texts of a message's embeds, with a blank line between them; empty if there are none.</summary>
    public static string Of(DiscordMessage message)
    {
        var said = ComponentText.Of(message);
        var texts = (message.Embeds ?? []).OfType<DiscordEmbed>().Where(embed => !IsPreview(embed, said)).Select(Of).Where(text => text.Length > 0);
        return string.Join("\n\n", texts);
    }

    /// <summary>One embed.</summary>
    public static string Of(DiscordEmbed embed)
    {
        var text = new StringBuilder();
        if (!string.IsNullOrWhiteSpace(embed.Title)) Line(embed.Url is null ? $"**{embed.Title}**" : $"**[{embed.Title}]({embed.Url})**");
        if (!string.IsNullOrWhiteSpace(embed.Description)) Line(embed.Description);
        foreach (var field in (embed.Fields ?? []).OfType<EmbedField>()) Line($"**{field.Name}**: {field.Value}");
        if (!string.IsNullOrWhiteSpace(embed.Footer?.Text)) Line($"*{embed.Footer.Text}*");
        return text.ToString();

        void Line(string line)
        {
            if (text.Length > 0) text.Append("\n\n");
            text.Append(line);
        }
    }

    private static bool IsPreview(DiscordEmbed embed, string said) =>
        embed.Type is not (null or "rich") || (embed.Url is { } url && said.Contains(url, StringComparison.Ordinal));
}
