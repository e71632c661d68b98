using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>The JSON of messages, for REST responses and events of Discord's gateway.</summary>
internal sealed class MessageJson(AttachmentLinks links)
{
    /// <summary>
    /// The message. For a user without the message content intent, content, embeds, attachments and components are empty, except in the
    /// user's own messages and in messages that mention the user.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="viewer">The user who reads the message. Null: everything is included.</param>
    /// <param name="canReadContent">Whether this user has the message content intent.</param>
    public JsonObject Write(DiscordMessage message, DiscordUser? viewer = null, bool canReadContent = true)
    {
        var json = WriteWithoutReference(message, viewer, canReadContent);
        if (message.Reference is not { } reference) return json;
        json["message_reference"] = new JsonObject
        {
            ["type"] = 0,
            ["message_id"] = DiscordJson.Id(reference.MessageId),
            ["channel_id"] = reference.Channel.Id.ToString(),
            ["guild_id"] = reference.Channel.Guild.Id.ToString(),
        };
        if (message.Type is MessageType.Reply or MessageType.ThreadStarter)
        {
            json["referenced_message"] = reference.Channel.Find(reference.MessageId) is { } target
                ? WriteWithoutReference(target, viewer, canReadContent)
                : null;
        }
        return json;
    }

    /// <summary>The message in an event: with the guild, and the memberships of the author and the mentioned users.</summary>
    public JsonObject WriteEvent(DiscordMessage message, DiscordUser? viewer = null, bool canReadContent = true)
    {
        var guild = message.Channel.Guild;
        var json = Write(message, viewer, canReadContent);
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

    private JsonObject WriteWithoutReference(DiscordMessage message, DiscordUser? viewer, bool canReadContent)
    {
        var visible = canReadContent || viewer is null || message.Author == viewer || message.Mentions.Contains(viewer);
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
            ["embeds"] = visible ? DiscordJson.Array(message.Embeds.Select(embed => WriteEmbed(embed!, message))) : new JsonArray(),
            ["components"] = visible ? message.Components.Copy() : new JsonArray(),
            ["flags"] = (int)message.Flags,
        };
        if (message.Nonce is { } nonce) json["nonce"] = nonce.Copy();
        if (message.Thread is { } thread) json["thread"] = thread.ToJson();
        return json;
    }

    /// <summary>An embed in which <c>attachment://name</c> is replaced by the address of the attachment.</summary>
    private JsonNode WriteEmbed(JsonNode embed, DiscordMessage message)
    {
        var copy = embed.Copy();
        copy["type"] ??= "rich";
        foreach (var field in (string[])["image", "thumbnail"])
        {
            const string scheme = "attachment://";
            if (copy[field] is not JsonObject image || image["url"]?.GetValue<string>() is not { } url) continue;
            if (url.StartsWith(scheme, StringComparison.Ordinal)
                && message.Attachments.FirstOrDefault(a => a.Filename == url[scheme.Length..]) is { } file)
                image["url"] = url = links.CreateUrl(file);
            image["proxy_url"] = url;
        }
        return copy;
    }
}
