using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Validates message requests: the permissions of the user and the fields of the body. The caller holds <see cref="DiscordState.Gate"/>.</summary>
internal sealed class MessageValidator(RestContext context)
{
    /// <summary>The length limit of the content in UTF-16 units.</summary>
    public const int MaxContentLength = 2000;
    private const int MaxEmbeds = 10;
    private const int MaxAttachments = 10;
    private const int MaxComponents = 40;
    private const int MaxNonceLength = 25;

    /// <summary>Checks that the user can post in the channel.</summary>
    /// <exception cref="RestException">50008: not a text channel. 50013: a permission is missing. 160005: the thread is locked.</exception>
    public static void CheckCanPost(DiscordChannel channel, DiscordUser user)
    {
        if (!channel.AcceptsMessages) throw RestException.NotATextChannel();
        var permissions = Permissions.In(channel, user);
        if (!permissions.HasFlag(channel.IsThread ? Permission.SendMessagesInThreads : Permission.SendMessages)) throw RestException.MissingPermissions();
        if (channel.Locked && !permissions.HasFlag(Permission.ManageThreads)) throw RestException.ThreadLocked();
    }

    /// <summary>Creates the draft of a new message.</summary>
    public MessageDraft CreateDraft(MessageForm form, DiscordChannel channel)
    {
        var body = form.Body;
        CheckCanPost(channel, context.User);
        CheckSlowMode(channel);
        if (form.Files.Count > 0 && !Permissions.In(channel, context.User).HasFlag(Permission.AttachFiles)) throw RestException.MissingPermissions();

        var draft = new MessageDraft
        {
            Content = ReadContent(body) ?? "",
            Embeds = ReadEmbeds(body) ?? [],
            Components = ReadComponents(body) ?? [],
            Flags = (MessageFlags)(body.Number("flags") ?? 0) & MessageFlags.Settable,
            Tts = body.Flag("tts") ?? false,
            Nonce = ReadNonce(body),
            EnforceNonce = body.Flag("enforce_nonce") ?? false,
            Reference = ReadReference(body, channel),
            Attachments = ReadAttachments(form, channel, []) ?? [],
        };
        CheckNotEmpty(draft.Content, draft.Embeds, draft.Components, draft.Attachments, draft.Flags, body);
        var replied = draft.Reference?.Channel.Find(draft.Reference.MessageId);
        return draft with
        {
            Type = draft.Reference is null ? MessageType.Default : MessageType.Reply,
            Mentions = MentionResolver.Resolve(draft.Content, body.Object("allowed_mentions"), context.State, replied?.Author),
        };
    }

    /// <summary>Applies an edit. Only fields in the body change; <c>attachments</c> lists the attachments to keep.</summary>
    public void ApplyEdit(MessageForm form, DiscordMessage message)
    {
        var body = form.Body;
        if (message.Author != context.User) throw RestException.NotTheAuthor();
        if (message.Channel.Archived) throw RestException.ThreadArchived();
        var content = body.ContainsKey("content") ? ReadContent(body) ?? "" : null;
        var embeds = body.ContainsKey("embeds") ? ReadEmbeds(body) ?? [] : null;
        var components = body.ContainsKey("components") ? ReadComponents(body) ?? [] : null;
        var attachments = ReadAttachments(form, message.Channel, message.Attachments);
        var flags = body.Number("flags") is { } bits
            ? message.Flags & ~MessageFlags.Settable | (MessageFlags)bits & MessageFlags.Settable
            : (MessageFlags?)null;
        CheckNotEmpty(
            content ?? message.Content, embeds ?? message.Embeds, components ?? message.Components,
            attachments ?? message.Attachments, flags ?? message.Flags, body);
        var replied = message.Reference?.Channel.Find(message.Reference.MessageId);
        var mentions = content is null ? null : MentionResolver.Resolve(content, body.Object("allowed_mentions"), context.State, replied?.Author);
        context.Discord.Messages.Edit(message, content, embeds, components, attachments, flags, mentions);
    }

    private void CheckSlowMode(DiscordChannel channel)
    {
        if (channel.RateLimitPerUser == 0) return;
        if ((Permissions.In(channel, context.User) & (Permission.ManageChannels | Permission.ManageMessages)) != 0) return;
        if (channel.Messages.LastOrDefault(m => m.Author == context.User) is not { } last) return;
        var wait = last.SentAt + TimeSpan.FromSeconds(channel.RateLimitPerUser) - context.Discord.Time.GetUtcNow();
        if (wait > TimeSpan.Zero) throw RateLimitedException.SlowMode(wait);
    }

    private static void CheckNotEmpty(
        string content, JsonArray embeds, JsonArray components, IReadOnlyList<DiscordAttachment> attachments, MessageFlags flags, JsonObject body)
    {
        if (flags.HasFlag(MessageFlags.ComponentsV2) && (content.Length > 0 || embeds.Count > 0))
        {
            throw RestException.InvalidForm(content.Length > 0 ? "content" : "embeds", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                "The 'content' and 'embeds' fields cannot be used when using MessageFlags.IS_COMPONENTS_V2");
        }
        var empty = string.IsNullOrWhiteSpace(content) && embeds.Count + components.Count + attachments.Count == 0
            && body["sticker_ids"] is null && body["poll"] is null;
        if (empty) throw RestException.EmptyMessage();
    }

    private static string? ReadContent(JsonObject body)
    {
        var content = body["content"] is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? value.ToJsonString() : body.Text("content");
        return content is { Length: > MaxContentLength } ? throw RestException.TooLong("content", MaxContentLength) : content;
    }

    private static JsonArray? ReadEmbeds(JsonObject body) => ReadObjects(body.List("embeds"), "embeds", MaxEmbeds);

    private static JsonArray? ReadComponents(JsonObject body) => ReadObjects(body.List("components"), "components", MaxComponents);

    private static JsonArray? ReadObjects(JsonArray? list, string field, int max)
    {
        if (list is null) return null;
        if (list.Count > max) throw RestException.TooLong(field, max);
        for (var i = 0; i < list.Count; i++)
            if (list[i] is not JsonObject) throw RestException.NotAnObject($"{field}.{i}");
        return (JsonArray)list.Copy();
    }

    private static JsonNode? ReadNonce(JsonObject body)
    {
        if (body["nonce"] is not { } nonce) return null;
        if (nonce.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number)) throw RestException.WrongType("nonce", "string");
        return nonce.ToString().Length <= MaxNonceLength ? nonce.Copy() : throw RestException.TooLong("nonce", MaxNonceLength);
    }

    private MessageReference? ReadReference(JsonObject body, DiscordChannel channel)
    {
        if (body.Object("message_reference") is not { } reference) return null;
        var id = reference.Id("message_id") ?? throw RestException.Required("message_reference.message_id");
        if (reference.Id("channel_id") is { } channelId && channelId != channel.Id)
            throw RestException.InvalidForm("message_reference", "REPLIES_CANNOT_REFERENCE_OTHER_CHANNEL", "Cannot reply to a message in a different channel");
        if (channel.Find(id) is not null) return new(id, channel);
        if (reference.Flag("fail_if_not_exists") == false) return null;
        throw RestException.InvalidForm("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
    }

    private List<DiscordAttachment>? ReadAttachments(MessageForm form, DiscordChannel channel, IReadOnlyList<DiscordAttachment> current)
    {
        var listed = form.Body.List("attachments")?.OfType<JsonObject>().ToList();
        if (listed is null && form.Files.Count == 0) return null;
        var kept = listed is null ? current : [.. current.Where(file => listed.Any(entry => entry.Id("id") == file.Id))];
        var files = new List<DiscordAttachment>(kept);
        foreach (var upload in form.Files)
        {
            var entry = listed?.FirstOrDefault(e => e.Id("id") == (ulong)upload.Number);
            var name = entry?.Text("filename") ?? upload.Filename;
            files.Add(context.State.AddAttachment(channel, name, upload.ContentType, upload.Bytes, entry?.Text("description")));
        }
        return files.Count <= MaxAttachments ? files : throw RestException.TooLong("attachments", MaxAttachments);
    }
}

/// <summary>Determines the users that a message mentions.</summary>
internal static partial class MentionResolver
{
    /// <summary>
    /// Returns the users that are named in the text and, in a reply, the author of its target. <c>allowed_mentions</c> restricts them.
    /// Without it, all of them are mentioned.
    /// </summary>
    /// <exception cref="RestException">50035: <c>parse</c> and a list of users are mutually exclusive.</exception>
    public static IReadOnlyList<DiscordUser> Resolve(string content, JsonObject? allowed, DiscordState state, DiscordUser? replied)
    {
        var namedUsers = UserMention().Matches(content)
            .Select(match => ulong.TryParse(match.Groups[1].ValueSpan, out var id) ? state.Users.GetValueOrDefault(id) : null)
            .OfType<DiscordUser>();
        var mentions = new List<DiscordUser>(namedUsers.Where(CreateFilter(allowed)));
        if (replied is not null && (allowed is null || allowed.Flag("replied_user") == true)) mentions.Add(replied);
        return [.. mentions.Distinct()];
    }

    private static Func<DiscordUser, bool> CreateFilter(JsonObject? allowed)
    {
        if (allowed is null) return _ => true;
        var all = allowed.List("parse")?.Any(kind => kind?.ToString() == "users") ?? false;
        var users = allowed.List("users")?.Select(id => id?.ToString()).ToHashSet() ?? [];
        if (users.Count > 100) throw RestException.TooLong("allowed_mentions.users", 100);
        if (all && users.Count > 0)
        {
            throw RestException.InvalidForm("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                $"parse:[\"users\"] and users: [{string.Join(", ", users)}] are mutually exclusive.");
        }
        return user => all || users.Contains(user.Id.ToString());
    }

    [GeneratedRegex(@"<@!?(\d+)>")]
    private static partial Regex UserMention();
}
