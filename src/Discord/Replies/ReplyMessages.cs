namespace CozeCluster.Discord;

/// <summary>
/// Knows which messages of a bot are the reply to one prompt, and holds them in order. A reply begins with a message recognised as <see cref="DiscordRecognition"/> says; further
/// messages of the bot that refer to the prompt, or to nothing, continue it: in a channel of the conversation's own all of them, in a shared one only behind a message that Discord's
/// limit cut, as otherwise they could be another's.
/// </summary>
/// <param name="botId">Snowflake of the bot.</param>
/// <param name="recognise">How the reply is known.</param>
/// <param name="isAlone">Whether the conversation has the channel to itself.</param>
internal sealed class ReplyMessages(string botId, DiscordRecognition recognise, bool isAlone)
{
    private readonly List<ReplyMessage> _all = [];
    private IReadOnlyList<string> _prompt = [];
    private Snowflake _from;
    private string? _senderId;
    private Snowflake _lastFull;

    /// <summary>In order; those that were deleted stay, empty.</summary>
    public IReadOnlyList<ReplyMessage> All => _all;

    /// <summary>Whether anything of the reply is there.</summary>
    public bool HasContent => _all.Exists(message => message.HasContent);

    /// <summary>Whether buttons have come, which end a reply.</summary>
    public bool HasButtons => _all.Count > 0 && _all[^1].HasButtons;

    /// <summary>The prompt was posted.</summary>
    /// <param name="messageIds">Snowflakes of its messages, at least one.</param>
    /// <param name="senderId">Snowflake of who sent it, if known.</param>
    public void Sent(IReadOnlyList<string> messageIds, string? senderId)
    {
        _prompt = messageIds;
        _from = messageIds.Select(Snowflake.Parse).Min();
        _senderId = senderId;
    }

    /// <summary>Takes in a message of the channel, whoever's it is.</summary>
    public ReplyChange Take(DiscordMessageSeen seen)
    {
        if (!Snowflake.TryParse(seen.Id, out var id)) return ReplyChange.None;
        var known = _all.Find(message => message.Id == id);
        if (known is null && (seen.AuthorId != botId || id.CompareTo(_from) <= 0)) return ReplyChange.None;
        if (known is null && !IsOurs(seen, id))
        {
            if (seen.Text?.Length >= ReplyMessage.FullUnits) _lastFull = id;
            return ReplyChange.None;
        }
        var message = known ?? Add(id);
        var change = message.Take(seen);
        if (message.IsFull) _lastFull = id;
        return known is null && change == ReplyChange.None ? ReplyChange.Sign : change;
    }

    /// <summary>A message of the channel was deleted.</summary>
    public ReplyChange Remove(Snowflake id) => _all.Find(message => message.Id == id)?.Remove() ?? ReplyChange.None;

    /// <summary>A message's text without the mention of the sender before it.</summary>
    public string TextOf(ReplyMessage message)
    {
        var text = message.Text;
        if (_senderId is null || !text.StartsWith("<@", StringComparison.Ordinal)) return text;
        foreach (var mention in (ReadOnlySpan<string>)[$"<@{_senderId}>", $"<@!{_senderId}>"])
        {
            if (text.StartsWith(mention, StringComparison.Ordinal)) return text[(text.Length > mention.Length && text[mention.Length] == ' ' ? mention.Length + 1 : mention.Length)..];
        }
        return text;
    }

    private bool IsOurs(DiscordMessageSeen seen, Snowflake id)
    {
        if (seen.RepliesTo is { } target) return _prompt.Contains(target);
        if (recognise == DiscordRecognition.Channel) return true;
        if (recognise == DiscordRecognition.Mention && _senderId is not null && seen.Mentions.Contains(_senderId)) return true;
        if (_all.Count == 0 || id.CompareTo(_all[0].Id) < 0) return false;
        return isAlone || _all.Exists(message => message.Id == _lastFull);
    }

    private ReplyMessage Add(Snowflake id)
    {
        var message = new ReplyMessage(id);
        var index = _all.FindLastIndex(earlier => earlier.Id.CompareTo(id) < 0) + 1;
        _all.Insert(index, message);
        return message;
    }
}
