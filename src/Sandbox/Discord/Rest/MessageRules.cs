using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>What a message may be and who may post it. The caller holds the world's gate.</summary>
internal sealed class MessageRules(RestCall call)
{
    public const int ContentUnits = 2000;
    private const int EmbedsPerMessage = 10;
    private const int AttachmentsPerMessage = 10;
    private const int NonceLength = 25;

    /// <exception cref="DiscordError">50008, 50013, 160005: not here, or not by this user.</exception>
    public static void CheckMayPost(DiscordChannel channel, DiscordUser user)
    {
        if (!channel.TakesMessages) throw DiscordError.NotAText();
        var permissions = Permissions.In(channel, user);
        if (!permissions.HasFlag(channel.IsThread ? Permission.SendMessagesInThreads : Permission.SendMessages)) throw DiscordError.MissingPermissions();
        if (channel.Locked && !permissions.HasFlag(Permission.ManageThreads)) throw DiscordError.ThreadLocked();
    }

    /// <summary>The draft of a new message.</summary>
    public MessageDraft Draft(MessageForm form, DiscordChannel channel)
    {
        var body = form.Body;
        CheckMayPost(channel, call.User);
        CheckSlowMode(channel);
        if (form.Files.Count > 0 && !Permissions.In(channel, call.User).HasFlag(Permission.AttachFiles)) throw DiscordError.MissingPermissions();

        var draft = new MessageDraft
        {
            Content = Content(body) ?? "",
            Embeds = Embeds(body) ?? [],
            Components = Components(body) ?? [],
            Flags = (MessageFlags)(body.Number("flags") ?? 0) & MessageFlags.Settable,
            Tts = body.Flag("tts") ?? false,
            Nonce = Nonce(body),
            EnforceNonce = body.Flag("enforce_nonce") ?? false,
            Reference = Reference(body, channel),
            Attachments = Attachments(form, channel, []) ?? [],
        };
        CheckNotEmpty(draft.Content, draft.Embeds, draft.Components, draft.Attachments, draft.Flags, body);
        var replied = draft.Reference?.Channel.Find(draft.Reference.MessageId);
        return draft with
        {
            Type = draft.Reference is null ? MessageType.Default : MessageType.Reply,
            Mentions = MentionRules.Resolve(draft.Content, body.Object("allowed_mentions"), call.World, replied?.Author),
        };
    }

    /// <summary>Applies an edit. Only what the body names changes; <c>attachments</c> lists all that stay.</summary>
    public void Edit(MessageForm form, DiscordMessage message)
    {
        var body = form.Body;
        if (message.Author != call.User) throw DiscordError.NotTheAuthor();
        if (message.Channel.Archived) throw DiscordError.Archived();
        var content = body.ContainsKey("content") ? Content(body) ?? "" : null;
        var embeds = body.ContainsKey("embeds") ? Embeds(body) ?? [] : null;
        var components = body.ContainsKey("components") ? Components(body) ?? [] : null;
        var attachments = Attachments(form, message.Channel, message.Attachments);
        var flags = body.Number("flags") is { } bits ? message.Flags & ~MessageFlags.Settable | (MessageFlags)bits & MessageFlags.Settable : (MessageFlags?)null;
        CheckNotEmpty(
            content ?? message.Content, embeds ?? message.Embeds, components ?? message.Components,
            attachments ?? message.Attachments, flags ?? message.Flags, body);
        var replied = message.Reference?.Channel.Find(message.Reference.MessageId);
        var mentions = content is null ? null : MentionRules.Resolve(content, body.Object("allowed_mentions"), call.World, replied?.Author);
        call.Discord.Messages.Edit(message, content, embeds, components, attachments, flags, mentions);
    }

    private void CheckSlowMode(DiscordChannel channel)
    {
        if (channel.RateLimitPerUser == 0) return;
        if ((Permissions.In(channel, call.User) & (Permission.ManageChannels | Permission.ManageMessages)) != 0) return;
        if (channel.Messages.LastOrDefault(m => m.Author == call.User) is not { } last) return;
        var wait = last.SentAt + TimeSpan.FromSeconds(channel.RateLimitPerUser) - call.Discord.Time.GetUtcNow();
        if (wait > TimeSpan.Zero) throw RateLimited.SlowMode(wait);
    }

    private static void CheckNotEmpty(
        string content, JsonArray embeds, JsonArray components, IReadOnlyList<DiscordAttachment> attachments, MessageFlags flags, JsonObject body)
    {
        if (flags.HasFlag(MessageFlags.ComponentsV2) && (content.Length > 0 || embeds.Count > 0))
        {
            throw DiscordError.InvalidForm(content.Length > 0 ? "content" : "embeds", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2");
        }
        var empty = string.IsNullOrWhiteSpace(content) && embeds.Count + components.Count + attachments.Count == 0
            && body["sticker_ids"] is null && body["poll"] is null;
        if (empty) throw DiscordError.EmptyMessage();
    }

    private static string? Content(JsonObject body)
    {
        var content = body["content"] is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? value.ToJsonString() : body.Text("content");
        return content is { Length: > ContentUnits } ? throw DiscordError.TooLong("content", ContentUnits) : content;
    }

    private static JsonArray? Embeds(JsonObject body) =>
        Copy(body.List("embeds"), "embeds", EmbedsPerMessage);

    private static JsonArray? Components(JsonObject body) => Copy(body.List("components"), "components", 40);

    private static JsonArray? Copy(JsonArray? list, string field, int most)
    {
        if (list is null) return null;
        if (list.Count > most) throw DiscordError.TooLong(field, most);
        for (var i = 0; i < list.Count; i++)
            if (list[i] is not JsonObject) throw DiscordError.InvalidForm($"{field}.{i}", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType");
        return (JsonArray)list.Copy();
    }

    private static JsonNode? Nonce(JsonObject body)
    {
        if (body["nonce"] is not { } nonce) return null;
        if (nonce is not JsonValue value || value.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number)) throw DiscordError.WrongType("nonce", "string");
        return nonce.ToString().Length <= NonceLength ? nonce.Copy() : throw DiscordError.TooLong("nonce", NonceLength);
    }

    private MessageReference? Reference(JsonObject body, DiscordChannel channel)
    {
        if (body.Object("message_reference") is not { } reference) return null;
        var id = reference.Id("message_id") ?? throw DiscordError.Required("message_reference.message_id");
        if (reference.Id("channel_id") is { } elsewhere && elsewhere != channel.Id)
            throw DiscordError.InvalidForm("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel");
        if (channel.Find(id) is not null) return new(id, channel);
        if (reference.Flag("fail_if_not_exists") == false) return null;
        throw DiscordError.InvalidForm("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    }

    private List<DiscordAttachment>? Attachments(MessageForm form, DiscordChannel channel, IReadOnlyList<DiscordAttachment> present)
    {
        var listed = form.Body.List("attachments")?.OfType<JsonObject>().ToList();
        if (listed is null && form.Files.Count == 0) return null;
        var kept = listed is null ? present : [.. present.Where(file => listed.Any(entry => entry.Id("id") == file.Id))];
        var files = new List<DiscordAttachment>(kept);
        foreach (var upload in form.Files)
        {
            var entry = listed?.FirstOrDefault(e => e.Id("id") == (ulong)upload.Number);
            var name = entry?.Text("filename") ?? upload.Filename;
            files.Add(call.World.Attach(channel, name, upload.ContentType, upload.Bytes, entry?.Text("description")));
        }
        return files.Count <= AttachmentsPerMessage ? files : throw DiscordError.TooLong("attachments", AttachmentsPerMessage);
    }
}
