using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Builds the messages of a reply: text as content or as Components V2, buttons, and an image.</summary>
internal sealed class CozeBotMessageBuilder(FakeDiscord discord, CozeBotScript script)
{
    // A gray image of one pixel.
    private static readonly byte[] Png = Convert.FromBase64String(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==");

    private DiscordAttachment? _image;

    /// <summary>Builds the message with the given text. The last version has the buttons and the image.</summary>
    public MessageDraft Build(string text, DiscordChannel channel, bool isLast)
    {
        var components = new JsonArray();
        if (script.ComponentsV2) components.Add((JsonNode)CreateTextComponent(text));
        if (isLast && CreateButtons() is { } row) components.Add((JsonNode)row);
        return new MessageDraft
        {
            // Discord removes white space at the beginning and the end of a message.
            Content = script.ComponentsV2 ? "" : script.WholeWords ? text.Trim() : text,
            Components = components,
            Flags = script.ComponentsV2 ? MessageFlags.ComponentsV2 : MessageFlags.None,
            Embeds = isLast && script.Image == ReplyImage.Embed ? new JsonArray(CreateEmbed(channel)) : [],
            Attachments = isLast && script.Image == ReplyImage.Attachment ? [GetImage(channel)] : [],
        };
    }

    /// <summary>The address of the image.</summary>
    public string GetImageUrl(DiscordChannel channel)
    {
        lock (discord.State.Gate) return discord.Links.CreateUrl(GetImage(channel));
    }

    private DiscordAttachment GetImage(DiscordChannel channel) =>
        _image ??= discord.State.AddAttachment(channel, "sandbox.png", "image/png", Png, isExternal: script.Image != ReplyImage.Attachment);

    private JsonObject CreateEmbed(DiscordChannel channel)
    {
        var url = discord.Links.CreateUrl(GetImage(channel));
        return new JsonObject
        {
            ["type"] = "rich",
            ["image"] = new JsonObject { ["url"] = url, ["proxy_url"] = url, ["width"] = 1, ["height"] = 1 },
        };
    }

    private static JsonObject CreateTextComponent(string text) => new()
    {
        ["type"] = 17,
        ["components"] = new JsonArray(new JsonObject { ["type"] = 10, ["content"] = text }),
    };

    private JsonObject? CreateButtons()
    {
        var labels = script.Labels ?? [.. Enumerable.Range(1, script.Buttons).Select(n => $"Follow-up question {n}?")];
        if (labels.Count == 0) return null;
        return new JsonObject
        {
            ["type"] = 1,
            ["components"] = DiscordJson.Array(labels.Select((label, index) => new JsonObject
            {
                ["type"] = 2,
                ["style"] = 2,
                ["label"] = label.Length <= 80 ? label : label[..80],
                ["custom_id"] = $"suggestion-{index + 1}",
            })),
        };
    }
}
