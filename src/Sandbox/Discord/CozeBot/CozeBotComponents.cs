using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>What a reply's message looks like: text as content or as Components V2, buttons, an image.</summary>
internal sealed class CozeBotComponents(FakeDiscord discord, CozeBotScript script)
{
    // 1 by 1, grey.
    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==");

    private DiscordAttachment? _image;

    /// <summary>The message as it is to look now; the last look has the buttons and the image.</summary>
    public MessageDraft Draft(string text, DiscordChannel channel, bool isLast)
    {
        var components = new JsonArray();
        if (script.ComponentsV2) components.Add((JsonNode)Container(text));
        if (isLast && Buttons() is { } row) components.Add((JsonNode)row);
        return new MessageDraft
        {
            Content = script.ComponentsV2 ? "" : text,
            Components = components,
            Flags = script.ComponentsV2 ? MessageFlags.ComponentsV2 : MessageFlags.None,
            Embeds = isLast && script.Image == ReplyImage.Embed ? new JsonArray(Embed(channel)) : [],
            Attachments = isLast && script.Image == ReplyImage.Attachment ? [Image(channel)] : [],
        };
    }

    public string ImageUrl(DiscordChannel channel)
    {
        lock (discord.World.Gate) return discord.Links.For(Image(channel));
    }

    private DiscordAttachment Image(DiscordChannel channel) => _image ??= discord.World.Attach(channel, "sandbox.png", "image/png", Png);

    private JsonObject Embed(DiscordChannel channel)
    {
        var url = discord.Links.For(Image(channel));
        return new JsonObject
        {
            ["type"] = "rich",
            ["image"] = new JsonObject { ["url"] = url, ["proxy_url"] = url, ["width"] = 1, ["height"] = 1 },
        };
    }

    private static JsonObject Container(string text) => new()
    {
        ["type"] = 17,
        ["components"] = new JsonArray(new JsonObject { ["type"] = 10, ["content"] = text }),
    };

    private JsonObject? Buttons()
    {
        var labels = script.Labels ?? [.. Enumerable.Range(1, script.Buttons).Select(n => $"Follow-up question {n}?")];
        if (labels.Count == 0) return null;
        return new JsonObject
        {
            ["type"] = 1,
            ["components"] = DiscordJson.Array(labels.Select((label, n) => new JsonObject
            {
                ["type"] = 2,
                ["style"] = 2,
                ["label"] = label.Length <= 80 ? label : label[..80],
                ["custom_id"] = $"suggestion-{n + 1}",
            })),
        };
    }
}
