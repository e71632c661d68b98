using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Posting, editing and deleting, with the events and records that follow. The caller holds the world's gate.</summary>
internal sealed class WorldMessages(FakeDiscord discord)
{
    private readonly Dictionary<(ulong Author, string Nonce), DiscordMessage> _nonces = [];

    /// <summary>Posts the draft; with an enforced nonce that was used before, returns the message it made then.</summary>
    public DiscordMessage Create(DiscordUser author, DiscordChannel channel, MessageDraft draft)
    {
        if (draft.Nonce is { } nonce && Earlier(author, nonce) is { } earlier)
        {
            var kind = draft.EnforceNonce ? DiscordRecordKind.NonceMatched : DiscordRecordKind.DoubleSend;
            discord.Records.Add(kind, author, channel, earlier, nonce.ToString());
            if (draft.EnforceNonce) return earlier;
        }

        var message = Add(author, channel, draft);
        if (draft.Nonce is not null) Remember(message);
        discord.CozeBots.Consider(message);
        return message;
    }

    /// <summary>Changes a message and shows it to everybody. Null leaves a part as it is.</summary>
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
        discord.Gateway.Publish(Event("MESSAGE_UPDATE", message));
        discord.Records.Add(DiscordRecordKind.MessageEdited, message.Author, message.Channel, message, message.Content);
    }

    public void Delete(DiscordUser by, DiscordMessage message)
    {
        message.Channel.Messages.Remove(message);
        discord.Gateway.Publish(new GatewayEvent("MESSAGE_DELETE", Intents.GuildMessages, message.Channel, new JsonObject
        {
            ["id"] = message.Id.ToString(),
            ["channel_id"] = message.Channel.Id.ToString(),
            ["guild_id"] = message.Channel.Guild.Id.ToString(),
        }));
        discord.Records.Add(DiscordRecordKind.MessageDeleted, by, message.Channel, message);
    }

    public void DeleteMany(DiscordUser by, DiscordChannel channel, IReadOnlyList<DiscordMessage> messages)
    {
        foreach (var message in messages)
        {
            channel.Messages.Remove(message);
            discord.Records.Add(DiscordRecordKind.MessageDeleted, by, channel, message);
        }
        discord.Gateway.Publish(new GatewayEvent("MESSAGE_DELETE_BULK", Intents.GuildMessages, channel, new JsonObject
        {
            ["ids"] = DiscordJson.Array(messages.Select(m => DiscordJson.Id(m.Id))),
            ["channel_id"] = channel.Id.ToString(),
            ["guild_id"] = channel.Guild.Id.ToString(),
        }));
    }

    public void Type(DiscordUser user, DiscordChannel channel)
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

    /// <summary>A message event as the message is now; keep it to deliver it again, or late.</summary>
    public GatewayEvent Event(string type, DiscordMessage message)
    {
        var redacted = discord.Gateway.ContentlessReaders.ToDictionary(
            reader => reader, reader => discord.Json.WriteEvent(message, reader, readsContent: false));
        return new(type, Intents.GuildMessages, message.Channel, discord.Json.WriteEvent(message)) { Redacted = redacted };
    }

    /// <summary>Posts without a look at the nonce, and without waking a Coze-hosted bot.</summary>
    public DiscordMessage Add(DiscordUser author, DiscordChannel channel, MessageDraft draft)
    {
        var message = new DiscordMessage
        {
            Id = discord.World.Ids.Next(), Channel = channel, Author = author, Type = draft.Type, Content = draft.Content,
            Embeds = draft.Embeds, Components = draft.Components, Attachments = draft.Attachments, Mentions = draft.Mentions,
            Flags = draft.Flags, Reference = draft.Reference, Nonce = draft.Nonce, Tts = draft.Tts,
        };
        if (channel.IsThread) discord.Channels.JoinThread(channel, [author, .. draft.Mentions]);
        channel.Messages.Add(message);
        channel.LastMessageId = message.Id;
        if (channel.Messages.Count > discord.Options.MessagesPerChannel) channel.Messages.RemoveAt(0);
        discord.Gateway.Publish(Event("MESSAGE_CREATE", message));
        discord.Records.Add(DiscordRecordKind.MessageCreated, author, channel, message, message.Content);
        return message;
    }

    public void Clear() => _nonces.Clear();

    private DiscordMessage? Earlier(DiscordUser author, JsonNode nonce) =>
        _nonces.TryGetValue((author.Id, nonce.ToString()), out var message) && Remembers(message) ? message : null;

    private void Remember(DiscordMessage message)
    {
        if (_nonces.Count > 10_000)
            foreach (var key in _nonces.Where(entry => !Remembers(entry.Value)).Select(entry => entry.Key).ToList()) _nonces.Remove(key);
        _nonces[(message.Author.Id, message.Nonce!.ToString())] = message;
    }

    private bool Remembers(DiscordMessage message) => discord.Time.GetUtcNow() - message.SentAt < discord.Options.NonceMemory;
}
