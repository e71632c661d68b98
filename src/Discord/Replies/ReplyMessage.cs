namespace CozeCluster.Discord;

/// <summary>What an event changed of a reply.</summary>
internal enum ReplyChange
{
    /// <summary>Nothing, or it is not about this reply.</summary>
    None,

    /// <summary>The bot is at work, but has said nothing new.</summary>
    Sign,

    /// <summary>Text, pictures or buttons.</summary>
    Content,
}

/// <summary>A message of a reply, as it stands now.</summary>
internal sealed class ReplyMessage(Snowflake id)
{
    /// <summary>Messages of this length were cut by Discord's limit, give or take what was trimmed: the reply goes on in the next one.</summary>
    public const int FullUnits = DiscordLimits.MessageUnits - 10;

    public Snowflake Id => id;

    /// <summary>The text as Discord has it.</summary>
    public string Text { get; private set; } = "";

    public IReadOnlyList<DiscordMediaSeen> Media { get; private set; } = [];

    public IReadOnlyList<string> Suggestions { get; private set; } = [];

    public bool HasButtons { get; private set; }

    /// <summary>Whether it was deleted.</summary>
    public bool IsGone { get; private set; }

    public DateTimeOffset? EditedAt { get; private set; }

    public bool IsFull => Text.Length >= FullUnits;

    public bool HasContent => Text.Length > 0 || Media.Count > 0 || HasButtons;

    /// <summary>Takes over what an event or a reading tells, unless it is older than what is known.</summary>
    public ReplyChange Take(DiscordMessageSeen seen)
    {
        var isWhole = seen.Text is not null;
        // Events may come late or twice. One that was never edited is older than any edit.
        if (isWhole && EditedAt is not null && (seen.EditedAt is null || seen.EditedAt < EditedAt)) return ReplyChange.None;
        var change = IsGone || seen.IsLoading ? ReplyChange.Sign : ReplyChange.None;
        IsGone = false;
        EditedAt = seen.EditedAt ?? EditedAt;
        if (isWhole && seen.Text != Text)
        {
            Text = seen.Text!;
            change = ReplyChange.Content;
        }
        if (seen.Media is { } media)
        {
            if (media.Count > 0 && !media.Select(one => one.Id).SequenceEqual(Media.Select(one => one.Id))) change = ReplyChange.Content;
            // Even where nothing changed: signatures are renewed. What tells no text may tell previews alone, of a message that has files, too.
            Media = isWhole ? media : [.. Media.Where(one => media.All(other => other.Id != one.Id)), .. media];
        }
        if (!seen.HasButtons || HasButtons) return change;
        HasButtons = true;
        Suggestions = seen.Suggestions;
        return ReplyChange.Content;
    }

    /// <summary>It was deleted.</summary>
    public ReplyChange Remove()
    {
        var change = HasContent ? ReplyChange.Content : ReplyChange.None;
        (Text, Media, Suggestions, HasButtons, IsGone) = ("", [], [], false, true);
        return change;
    }
}
