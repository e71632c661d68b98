using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Messages as REST and the gateway show them.</summary>
internal sealed class MessageJson(AttachmentLinks links)
{
    /// <summary>
    /// The message. For a <paramref name="reader"/> without message content, content, embeds, attachments and components are empty,
    /// except in its own messages and those that mention it.
    /// </summary>
    /// <param name="message">What to write.</param>
    /// <param name="reader">Whose view is written; null sees everything.</param>
    /// <param name="readsContent">Whether the reader has the message content intent.</param>
    public JsonObject Write(DiscordMessage message, DiscordUser? reader = null, bool readsContent = true)
    {
        var json = Plain(message, reader, readsContent);
        if (message.Reference is not { } reference) return json;
        json["message_reference"] = new JsonObject
        {
            ["type"] = 0,
            ["message_id"] = DiscordJson.Id(reference.MessageId),
            ["channel_id"] = reference.Channel.Id.ToString(),
            ["guild_id"] = reference.Channel.Guild.Id.ToString(),
        };
        if (message.Type is MessageType.Reply or MessageType.ThreadStarter)
            json["referenced_message"] = reference.Channel.Find(reference.MessageId) is { } target ? Plain(target, reader, readsContent) : null;
        return json;
    }

    /// <summary>The message as an event: with the guild and the author's membership.</summary>
    public JsonObject WriteEvent(DiscordMessage message, DiscordUser? reader = null, bool readsContent = true)
    {
        var guild = message.Channel.Guild;
        var json = Write(message, reader, readsContent);
        json["guild_id"] = guild.Id.ToString();
        json["channel_type"] = (int)message.Channel.Type;
        if (guild.Members.TryGetValue(message.Author.Id, out var member)) json["member"] = member.ToJson(guild, withUser: false);
        foreach (var mention in json["mentions"]!.AsArray())
        {
            if (guild.Members.TryGetValue(ulong.Parse(mention!["id"]!.GetValue<string>()), out var mentioned))
                mention["member"] = mentioned.ToJson(guild, withUser: false);
        }
        return json;
    }

    private JsonObject Plain(DiscordMessage message, DiscordUser? reader, bool readsContent)
    {
        var visible = readsContent || reader is null || message.Author == reader || message.Mentions.Contains(reader);
        var json = new JsonObject
        {
            ["id"] = message.Id.ToString(),
            ["channel_id"] = message.Channel.Id.ToString(),
            ["type"] = (int)message.Type,
            ["author"] = message.Author.ToJson(),
            ["content"] = visible ? message.Content : "",
            ["timestamp"] = DiscordJson.Time(message.SentAt),
            ["edited_timestamp"] = DiscordJson.Time(message.EditedAt),
            ["tts"] = message.Tts,
            ["pinned"] = false,
            ["mention_everyone"] = message.MentionsEveryone,
            ["mentions"] = DiscordJson.Array(message.Mentions.Select(user => user.ToJson())),
            ["mention_roles"] = new JsonArray(),
            ["attachments"] = visible ? DiscordJson.Array(message.Attachments.Select(links.Write)) : new JsonArray(),
            ["embeds"] = visible ? DiscordJson.Array(message.Embeds.Select(embed => Embed(embed!, message))) : new JsonArray(),
            ["components"] = visible ? message.Components.Copy() : new JsonArray(),
            ["flags"] = (int)message.Flags,
        };
        if (message.Nonce is { } nonce) json["nonce"] = nonce.Copy();
        if (message.Thread is { } thread) json["thread"] = thread.ToJson();
        return json;
    }

    /// <summary>An embed whose <c>attachment://name</c> images became addresses.</summary>
    private JsonNode Embed(JsonNode embed, DiscordMessage message)
    {
        var copy = embed.Copy();
        copy["type"] ??= "rich";
        foreach (var place in (string[])["image", "thumbnail"])
        {
            const string scheme = "attachment://";
            if (copy[place] is not JsonObject image || image["url"]?.GetValue<string>() is not { } url) continue;
            if (url.StartsWith(scheme, StringComparison.Ordinal) && message.Attachments.FirstOrDefault(a => a.Filename == url[scheme.Length..]) is { } file)
                image["url"] = url = links.For(file);
            image["proxy_url"] = url;
        }
        return copy;
    }
}
