using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Posts, edits and deletes messages, with their events and records. The caller holds <see cref="DiscordState.Gate"/>.</summary>
internal sealed class MessageService(FakeDiscord discord)
{
    private readonly Dictionary<(ulong Author, string Nonce), DiscordMessage> _messagesByNonce = [];

    /// <summary>Posts a message. When its nonce is enforced and was used before, returns the message of the first use.</summary>
    public DiscordMessage Create(DiscordUser author, DiscordChannel channel, MessageDraft draft)
    {
        if (draft.Nonce is { } nonce && FindByNonce(author, nonce) is { } earlier)
        {
            var kind = draft.EnforceNonce ? DiscordRecordKind.NonceMatched : DiscordRecordKind.DoubleSend;
            discord.Records.Add(kind, author, channel, earlier, nonce.ToString());
            if (draft.EnforceNonce) return earlier;
        }

        var message = Add(author, channel, draft);
        if (draft.Nonce is not null) StoreNonce(message);
        discord.CozeBots.OnMessagePosted(message);
        return message;
    }

    /// <summary>Changes a message and publishes it. Null arguments leave a property unchanged.</summary>
    public void Edit(
        DiscordMessage message,
        string? content = null,
        JsonArray? embeds = null,
        JsonArray? components = null,
        IReadOnlyList<DiscordAttachment>? attachments = null,
        MessageFlags? flags = null,
        IReadOnlyList<DiscordUser>? mentions = null)
    {
        message.Content = content ?? message.Content;
        message.Embeds = embeds ?? message.Embeds;
        message.Components = components ?? message.Components;
        message.Attachments = attachments ?? message.Attachments;
        message.Flags = flags ?? message.Flags;
        message.Mentions = mentions ?? message.Mentions;
        message.EditedAt = discord.Time.GetUtcNow();
        discord.Gateway.Publish(CreateEvent("MESSAGE_UPDATE", message));
        discord.Records.Add(DiscordRecordKind.MessageEdited, message.Author, message.Channel, message, message.Content);
    }

    public void Delete(DiscordUser actor, DiscordMessage message)
    {
        message.Channel.Messages.Remove(message);
        discord.Gateway.Publish(new GatewayEvent("MESSAGE_DELETE", Intents.GuildMessages, message.Channel, new JsonObject
        {
            ["id"] = message.Id.ToString(),
            ["channel_id"] = message.Channel.Id.ToString(),
            ["guild_id"] = message.Channel.Guild.Id.ToString(),
        }));
        discord.Records.Add(DiscordRecordKind.MessageDeleted, actor, message.Channel, message);
    }

    public void DeleteMany(DiscordUser actor, DiscordChannel channel, IReadOnlyList<DiscordMessage> messages)
    {
        foreach (var message in messages)
        {
            channel.Messages.Remove(message);
            discord.Records.Add(DiscordRecordKind.MessageDeleted, actor, channel, message);
        }
        discord.Gateway.Publish(new GatewayEvent("MESSAGE_DELETE_BULK", Intents.GuildMessages, channel, new JsonObject
        {
            ["ids"] = DiscordJson.Array(messages.Select(m => DiscordJson.Id(m.Id))),
            ["channel_id"] = channel.Id.ToString(),
            ["guild_id"] = channel.Guild.Id.ToString(),
        }));
    }

    public void SendTyping(DiscordUser user, DiscordChannel channel)
    {
        discord.Gateway.Publish(new GatewayEvent("TYPING_START", Intents.GuildMessageTyping, channel, new JsonObject
        {
            ["channel_id"] = channel.Id.ToString(),
            ["guild_id"] = channel.Guild.Id.ToString(),
            ["user_id"] = user.Id.ToString(),
            ["timestamp"] = discord.Time.GetUtcNow().ToUnixTimeSeconds(),
            ["member"] = channel.Guild.Members[user.Id].ToJson(channel.Guild),
        }));
        discord.Records.Add(DiscordRecordKind.Typing, user, channel);
    }

    /// <summary>Creates an event with the current state of a message. It can be published several times, or later.</summary>
    public GatewayEvent CreateEvent(string type, DiscordMessage message)
    {
        var redacted = discord.Gateway.UsersWithoutContentIntent.ToDictionary(
            user => user, user => discord.Json.WriteEvent(message, user, canReadContent: false));
        return new(type, Intents.GuildMessages, message.Channel, discord.Json.WriteEvent(message)) { Redacted = redacted };
    }

    /// <summary>Posts a message without a check of its nonce, and without a reply of a Coze-hosted bot.</summary>
    public DiscordMessage Add(DiscordUser author, DiscordChannel channel, MessageDraft draft)
    {
        var message = new DiscordMessage
        {
            Id = discord.State.Ids.Next(), Channel = channel, Author = author, Type = draft.Type, Content = draft.Content,
            Embeds = draft.Embeds, Components = draft.Components, Attachments = draft.Attachments, Mentions = draft.Mentions,
            Flags = draft.Flags, Reference = draft.Reference, Nonce = draft.Nonce, Tts = draft.Tts,
        };
        if (channel.IsThread) discord.Channels.AddThreadMembers(channel, [author, .. draft.Mentions]);
        channel.Messages.Add(message);
        channel.LastMessageId = message.Id;
        if (channel.Messages.Count > discord.Options.MessagesPerChannel) channel.Messages.RemoveAt(0);
        discord.Gateway.Publish(CreateEvent("MESSAGE_CREATE", message));
        discord.Records.Add(DiscordRecordKind.MessageCreated, author, channel, message, message.Content);
        return message;
    }

    public void Clear() => _messagesByNonce.Clear();

    private DiscordMessage? FindByNonce(DiscordUser author, JsonNode nonce) =>
        _messagesByNonce.TryGetValue((author.Id, nonce.ToString()), out var message) && IsNonceValid(message) ? message : null;

    private void StoreNonce(DiscordMessage message)
    {
        if (_messagesByNonce.Count > 10_000)
            foreach (var key in _messagesByNonce.Where(entry => !IsNonceValid(entry.Value)).Select(entry => entry.Key).ToList()) _messagesByNonce.Remove(key);
        _messagesByNonce[(message.Author.Id, message.Nonce!.ToString())] = message;
    }

    private bool IsNonceValid(DiscordMessage message) => discord.Time.GetUtcNow() - message.SentAt < discord.Options.NonceMemory;
}
