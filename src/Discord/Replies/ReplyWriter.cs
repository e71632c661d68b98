namespace CozeCluster.Discord;

/// <summary>
/// Writes a reply's messages into the reply log: a part for each, under the message's id; but a message that goes on behind one that Discord's limit cut belongs to the same part, without
/// a seam. Each edit carries the whole text, so the log finds out what is new or was rewritten. Pictures and files follow their text once that is whole, as last seen.
/// A text that may turn out to be one of Coze's notices is held back.
/// </summary>
internal sealed class ReplyWriter(ReplyMessages messages)
{
    /// <summary>No notice is longer.</summary>
    public const int LongestNotification = 400;

    private readonly Dictionary<Snowflake, string> _written = [];
    private readonly HashSet<Snowflake> _glued = [];

    /// <summary>The text as it stands, if there is but one stretch of it; null otherwise. Notifications are said alone.</summary>
    public string? OnlyText => Stretches() is [var only] ? TextOf(only) : null;

    /// <summary>Writes what is new.</summary>
    public void Write(IReplySink sink)
    {
        var stretches = Stretches();
        if (stretches is [var only] && TextOf(only) is { Length: <= LongestNotification } text && CozeNotices.MayBecome(text)) return;
        for (var i = 0; i < stretches.Count; i++) Write(sink, stretches[i], isWhole: i < stretches.Count - 1);
    }

    /// <summary>Writes what is left and the end.</summary>
    public void Finish(IReplySink sink)
    {
        foreach (var stretch in Stretches()) Write(sink, stretch, isWhole: true);
        foreach (var message in messages.All)
        {
            for (var n = 0; n < message.Suggestions.Count; n++) sink.Add(new FollowUpItem($"{message.Id}-suggestion-{n + 1}", message.Suggestions[n]));
        }
        sink.Complete(FinishReason.Stop);
    }

    private void Write(IReplySink sink, List<ReplyMessage> stretch, bool isWhole)
    {
        var first = stretch[0].Id;
        var text = TextOf(stretch);
        var known = _written.GetValueOrDefault(first);
        if (known is not null || text.Length > 0)
        {
            var part = sink.Open(first.ToString(), TextKind.Answer);
            if (known != text) sink.Set(part, text);
            _written[first] = text;
            if (isWhole) sink.Close(part);
        }
        if (!isWhole) return;
        foreach (var media in stretch.SelectMany(message => message.Media)) sink.Add(ItemOf(media));
    }

    /// <summary>Messages that belong together. What was once joined stays so, and what was once apart too.</summary>
    private List<List<ReplyMessage>> Stretches()
    {
        var stretches = new List<List<ReplyMessage>>();
        ReplyMessage? before = null;
        foreach (var message in messages.All)
        {
            var isGlued = _glued.Contains(message.Id) || (before is { IsFull: true } && !_written.ContainsKey(message.Id));
            if (stretches.Count > 0 && isGlued)
            {
                stretches[^1].Add(message);
                if (message.Text.Length > 0) _glued.Add(message.Id);
            }
            else
            {
                stretches.Add([message]);
            }
            before = message;
        }
        return stretches;
    }

    private string TextOf(List<ReplyMessage> stretch) => stretch.Count == 1 ? messages.TextOf(stretch[0]) : string.Concat(stretch.Select(messages.TextOf));

    private static ReplyItem ItemOf(DiscordMediaSeen media) => new MessageMedia(media.Id, media.Url, media.Name, media.IsImage).ToItem();
}
