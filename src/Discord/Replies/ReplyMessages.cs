namespace CozeCluster.Discord;

/// <summary>What an event or a reading changed in a reply.</summary>
internal enum ReplyChange
{
    /// <summary>Nothing, or it does not belong to this reply.</summary>
    None,

    /// <summary>The bot is working, but there is no new content.</summary>
    Activity,

    /// <summary>Text, pictures or buttons.</summary>
    Content,
}

/// <summary>
/// Decides which messages of a bot are the reply to one prompt, and keeps them in order. A reply begins with a message that is recognized as
/// <see cref="DiscordRecognition"/> says. Further messages of the bot that reply to the prompt, or to no message, continue it: in an exclusive channel all of
/// them; in a shared one only those after a message that Discord's length limit cut, because others may belong to another reply.
/// </summary>
/// <param name="botId">Snowflake of the bot.</param>
/// <param name="recognise">How the beginning of the reply is recognized.</param>
/// <param name="isExclusive">Whether no other conversation uses the channel.</param>
internal sealed class ReplyMessages(string botId, DiscordRecognition recognise, bool isExclusive)
{
    private readonly List<ReplyMessage> _all = [];
    private IReadOnlyList<string> _prompt = [];
    private Snowflake _firstPromptId;
    private string? _senderId;
    private Snowflake _lastFullId;

    /// <summary>The messages in order. Deleted ones stay in the list, without content.</summary>
    public IReadOnlyList<ReplyMessage> All => _all;

    /// <summary>Whether any message has content.</summary>
    public bool HasContent => _all.Exists(message => message.HasContent);

    /// <summary>Whether the last message has buttons, which end a reply.</summary>
    public bool HasButtons => _all.Count > 0 && _all[^1].HasButtons;

    /// <summary>Records that the prompt was posted.</summary>
    /// <param name="messageIds">Snowflakes of its messages, at least one.</param>
    /// <param name="senderId">Snowflake of the user who posted them; null if unknown.</param>
    public void OnPosted(IReadOnlyList<string> messageIds, string? senderId)
    {
        _prompt = messageIds;
        _firstPromptId = messageIds.Select(Snowflake.Parse).Min();
        _senderId = senderId;
    }

    /// <summary>Applies a message of the channel, of any author.</summary>
    public ReplyChange Apply(DiscordMessageSeen seen)
    {
        if (!Snowflake.TryParse(seen.Id, out var id)) return ReplyChange.None;
        var known = _all.Find(message => message.Id == id);
        if (known is null && (seen.AuthorId != botId || id.CompareTo(_firstPromptId) <= 0)) return ReplyChange.None;
        if (known is null && !BelongsToReply(seen, id))
        {
            if (seen.Text?.Length >= ReplyMessage.FullLength) _lastFullId = id;
            return ReplyChange.None;
        }
        var message = known ?? Add(id);
        var change = message.Apply(seen);
        if (message.IsFull) _lastFullId = id;
        return known is null && change == ReplyChange.None ? ReplyChange.Activity : change;
    }

    /// <summary>Applies the deletion of a message of the channel.</summary>
    public ReplyChange Remove(Snowflake id) => _all.Find(message => message.Id == id)?.Remove() ?? ReplyChange.None;

    /// <summary>A message's text without the mention of the sender at its beginning.</summary>
    public string TextOf(ReplyMessage message)
    {
        var text = message.Text;
        if (_senderId is null || !text.StartsWith("<@", StringComparison.Ordinal)) return text;
        foreach (var mention in (ReadOnlySpan<string>)[$"<@{_senderId}>", $"<@!{_senderId}>"])
        {
            if (!text.StartsWith(mention, StringComparison.Ordinal)) continue;
            var hasSpace = text.Length > mention.Length && text[mention.Length] == ' ';
            return text[(hasSpace ? mention.Length + 1 : mention.Length)..];
        }
        return text;
    }

    private bool BelongsToReply(DiscordMessageSeen seen, Snowflake id)
    {
        if (seen.RepliesTo is { } target) return _prompt.Contains(target);
        if (recognise == DiscordRecognition.Channel) return true;
        if (recognise == DiscordRecognition.Mention && _senderId is not null && seen.Mentions.Contains(_senderId)) return true;
        if (_all.Count == 0 || id.CompareTo(_all[0].Id) < 0) return false;
        return isExclusive || _all.Exists(message => message.Id == _lastFullId);
    }

    private ReplyMessage Add(Snowflake id)
    {
        var message = new ReplyMessage(id);
        var index = _all.FindLastIndex(earlier => earlier.Id.CompareTo(id) < 0) + 1;
        _all.Insert(index, message);
        return message;
    }
}

/// <summary>The current form of one message of a reply.</summary>
internal sealed class ReplyMessage(Snowflake id)
{
    /// <summary>A message of this length was cut by Discord's limit, except for a few trimmed characters: the reply continues in the next message.</summary>
    public const int FullLength = DiscordLimits.MessageUnits - 10;

    public Snowflake Id => id;

    /// <summary>The text as Discord has it.</summary>
    public string Text { get; private set; } = "";

    public IReadOnlyList<DiscordMediaSeen> Media { get; private set; } = [];

    public IReadOnlyList<string> Suggestions { get; private set; } = [];

    public bool HasButtons { get; private set; }

    public bool IsDeleted { get; private set; }

    public DateTimeOffset? EditedAt { get; private set; }

    public bool IsFull => Text.Length >= FullLength;

    public bool MayContinue => Text.Length >= Continuation.MinLength;

    public bool HasContent => Text.Length > 0 || Media.Count > 0 || HasButtons;

    /// <summary>Takes over an event or a reading, unless it is older than the current form.</summary>
    public ReplyChange Apply(DiscordMessageSeen seen)
    {
        var hasText = seen.Text is not null;
        // Events may arrive late or twice. A form that was never edited is older than any edit.
        if (hasText && EditedAt is not null && (seen.EditedAt is null || seen.EditedAt < EditedAt)) return ReplyChange.None;
        var change = IsDeleted || seen.IsLoading ? ReplyChange.Activity : ReplyChange.None;
        IsDeleted = false;
        EditedAt = seen.EditedAt ?? EditedAt;
        if (hasText && seen.Text != Text)
        {
            Text = seen.Text!;
            change = ReplyChange.Content;
        }
        if (seen.Media is { } media)
        {
            if (media.Count > 0 && !media.Select(one => one.Id).SequenceEqual(Media.Select(one => one.Id))) change = ReplyChange.Content;
            // Taken over even if the ids are the same, because signatures are renewed. An update without text may contain previews only, also of a message that
            // has files.
            Media = hasText ? media : [.. Media.Where(one => media.All(other => other.Id != one.Id)), .. media];
        }
        if (!seen.HasButtons || HasButtons) return change;
        HasButtons = true;
        Suggestions = seen.Suggestions;
        return ReplyChange.Content;
    }

    /// <summary>Records that the message was deleted.</summary>
    public ReplyChange Remove()
    {
        var change = HasContent ? ReplyChange.Content : ReplyChange.None;
        (Text, Media, Suggestions, HasButtons, IsDeleted) = ("", [], [], false, true);
        return change;
    }
}
