namespace CozeCluster.Discord;

/// <summary>
/// Writes the messages of a reply into the reply log. Each message is a part with the message's id; a message that continues a long one belongs to the same
/// part, see <see cref="Continuation"/>. Each edit contains the whole text, and the log finds out what is new or was rewritten. Pictures and files follow
/// their text when it is complete, in their last form. A text that may become one of Coze's status texts is held back.
/// </summary>
internal sealed class ReplyWriter(ReplyMessages messages)
{
    private readonly Dictionary<Snowflake, string> _written = [];
    // Messages that belong to the part of the message before, with what is between the two.
    private readonly Dictionary<Snowflake, string> _continuations = [];

    // Pictures and files with the addresses at which they are kept.
    private readonly Dictionary<string, DiscordMediaSeen> _kept = [];

    /// <summary>The text if there is exactly one part, else null. A status text is the only part of its reply.</summary>
    public string? SingleText => Parts() is [var only] ? TextOf(only) : null;

    /// <summary>The text of all parts.</summary>
    public string WholeText => string.Join('\n', Parts().Select(TextOf));

    /// <summary>The pictures and files that are written next.</summary>
    /// <param name="isEnd">Whether the reply has ended.</param>
    public IEnumerable<DiscordMediaSeen> NextMedia(bool isEnd)
    {
        var parts = Parts();
        return parts.Take(isEnd ? parts.Count : parts.Count - 1).SelectMany(part => part).SelectMany(message => message.Media)
            .Where(media => !_kept.ContainsKey(media.Id));
    }

    /// <summary>Sets what is written in the place of a picture or file.</summary>
    public void Replace(DiscordMediaSeen media) => _kept[media.Id] = media;

    /// <summary>Writes what is new.</summary>
    public void Write(IReplySink sink)
    {
        var parts = Parts();
        if (parts is [var only] && TextOf(only) is { Length: <= DiscordLimits.MessageUnits } text && CozeStatusTexts.MayBecomeOne(text)) return;
        for (var i = 0; i < parts.Count; i++) Write(sink, parts[i], isComplete: i < parts.Count - 1);
    }

    /// <summary>Writes the rest and the end.</summary>
    public void Finish(IReplySink sink)
    {
        foreach (var part in Parts()) Write(sink, part, isComplete: true);
        foreach (var message in messages.All)
        {
            for (var n = 0; n < message.Suggestions.Count; n++) sink.Add(new FollowUpItem($"{message.Id}-suggestion-{n + 1}", message.Suggestions[n]));
        }
        sink.Complete(FinishReason.Stop);
    }

    private void Write(IReplySink sink, List<ReplyMessage> part, bool isComplete)
    {
        var id = part[0].Id;
        var text = TextOf(part);
        var known = _written.GetValueOrDefault(id);
        if (known is not null || text.Length > 0)
        {
            var ordinal = sink.Open(id.ToString(), TextKind.Answer);
            if (known != text) sink.Set(ordinal, text);
            _written[id] = text;
            if (isComplete) sink.Close(ordinal);
        }
        if (!isComplete) return;
        foreach (var media in part.SelectMany(message => message.Media)) sink.Add(_kept.GetValueOrDefault(media.Id, media).ToItem());
    }

    /// <summary>The messages of each part. Messages that were once in one part stay in one part, and messages that were once in two stay in two.</summary>
    private List<List<ReplyMessage>> Parts()
    {
        var parts = new List<List<ReplyMessage>>();
        ReplyMessage? before = null;
        foreach (var message in messages.All)
        {
            var isContinuation = _continuations.ContainsKey(message.Id) || (before is { MayContinue: true } && !_written.ContainsKey(message.Id));
            if (parts.Count > 0 && isContinuation)
            {
                parts[^1].Add(message);
                if (message.Text.Length > 0) _continuations.TryAdd(message.Id, Continuation.Separator(before!.Text, messages.TextOf(message)));
            }
            else
            {
                parts.Add([message]);
            }
            before = message;
        }
        return parts;
    }

    private string TextOf(List<ReplyMessage> part) => part.Count == 1
        ? messages.TextOf(part[0])
        : string.Concat(part.Select(message => _continuations.GetValueOrDefault(message.Id) + messages.TextOf(message)));
}
