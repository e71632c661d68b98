namespace CozeCluster.Grains;

/// <summary>
/// A reply as it grows: parts in the order in which they appeared, and how it ended. The pump appends; any number of readers read from their own cursors.
/// It is idempotent on the far side's message ids, so a reply that is read again after a lost connection adds only what was missing.
/// </summary>
internal sealed class ReplyLog : IReplySink
{
    private readonly List<LogPart> _parts = [];
    private int _answers;

    /// <summary>How it ended; null while it runs. Set by whoever runs the turn, not by the far side.</summary>
    public ReplyEvent? End { get; private set; }

    /// <summary>What the far side said of the end: <see cref="Complete"/>.</summary>
    public FinishReason? Finished { get; private set; }

    /// <summary>What the far side said of the end: <see cref="Fail"/>.</summary>
    public Error? Failure { get; private set; }

    /// <summary>The last usage told.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>Where the exchange can be found again.</summary>
    public UpstreamHandle? Handle { get; private set; }

    /// <summary>Whether nothing has come yet that a client could have seen.</summary>
    public bool IsEmpty => _parts.TrueForAll(part => part is TextLogPart { Text.Length: 0 });

    /// <summary>The cursor behind everything.</summary>
    public Cursor Next => _parts.Count == 0 ? Cursor.Start : _parts[^1] switch
    {
        TextLogPart text => new Cursor(_parts.Count - 1, text.Deliverable, text.Revision),
        _ => new Cursor(_parts.Count, 0),
    };

    /// <summary>The parts as messages hold them.</summary>
    public IReadOnlyList<ReplyPart> Parts => [.. _parts.Select(Export)];

    /// <summary>Calls for the client to run, in order.</summary>
    public IEnumerable<ToolCallItem> ToolCalls =>
        _parts.OfType<ItemLogPart>().Select(part => part.Item).OfType<ToolCallItem>().Where(call => call.ForClient);

    /// <summary>Where text that stood was changed: readers who had it before are told, also after the reply has ended.</summary>
    public IReadOnlyList<Rewrite> Rewrites =>
        [.. _parts.SelectMany((part, index) => part is TextLogPart text ? text.Rewrites.Select(offset => new Rewrite(index, offset)) : [])];

    /// <summary>A log of a reply that has ended.</summary>
    public static ReplyLog Of(IReadOnlyList<ReplyPart> parts, IReadOnlyList<Rewrite> rewrites, ReplyEvent end)
    {
        var log = new ReplyLog();
        foreach (var part in parts)
        {
            switch (part)
            {
                case TextPart text:
                    log.Append(log.OpenNew($"{log._parts.Count}", TextKind.Answer), text.Text);
                    break;
                case ReasoningPart reasoning:
                    log.Append(log.OpenNew($"{log._parts.Count}", TextKind.Reasoning), reasoning.Text);
                    break;
                case ItemPart item:
                    log.Add(item.Item);
                    break;
            }
        }
        foreach (var rewrite in rewrites) ((TextLogPart)log._parts[rewrite.Part]).Recall(rewrite.Offset);
        log.Finish(end);
        return log;
    }

    /// <summary>Reads from a cursor on: at least one event if there is any, then up to about <paramref name="maxChars"/> characters.</summary>
    public ReplyBatch Read(string turnId, Cursor after, int maxChars)
    {
        var events = new List<ReplyEvent>(1);
        var next = after;
        while (maxChars > 0 && next.Part < _parts.Count)
        {
            if (_parts[next.Part] is TextLogPart text)
            {
                next = ReadText(text, next, ref maxChars, events);
                if (!text.IsClosed || next.Offset < text.Text.Length) break;
            }
            else
            {
                if (next.Offset == 0)
                {
                    events.Add(new ReplyItemAdded(next.Part, ((ItemLogPart)_parts[next.Part]).Item));
                    maxChars -= 256;
                }
            }
            // At the very end a text part's own end is the better place to stand: more may come behind it.
            if (next.Part == _parts.Count - 1 && _parts[next.Part] is TextLogPart) break;
            next = new Cursor(next.Part + 1, 0);
        }
        if (End is not null && IsBehindAll(next)) events.Add(End);
        return new ReplyBatch(turnId, events, next);
    }

    /// <summary>Whether <see cref="Read"/> from there would find nothing.</summary>
    public bool HasNothingAfter(Cursor cursor)
    {
        if (End is not null) return false;
        if (cursor.Part >= _parts.Count) return true;
        return _parts[cursor.Part] is TextLogPart text
            && text.Revision == cursor.Revision
            && cursor.Offset >= text.Deliverable
            && (!text.IsClosed || cursor.Part == _parts.Count - 1);
    }

    /// <summary>Ends the reply; everything in it becomes deliverable.</summary>
    public void Finish(ReplyEvent end)
    {
        foreach (var part in _parts) part.IsClosed = true;
        End = end;
    }

    /// <summary>Forgets what the far side said of an end, to read the same reply again.</summary>
    public void Reopen()
    {
        Finished = null;
        Failure = null;
    }

    /// <inheritdoc />
    public int Open(string messageId, TextKind kind)
    {
        for (var i = _parts.Count - 1; i >= 0; i--)
        {
            if (_parts[i] is TextLogPart text && text.Kind == kind && text.MessageId == messageId) return i;
        }
        if (kind == TextKind.Answer && Find(messageId, TextKind.Reasoning) is { } reasoning) reasoning.IsClosed = true;
        return OpenNew(messageId, kind);
    }

    /// <inheritdoc />
    public void Append(int part, ReadOnlySpan<char> delta)
    {
        if (delta.IsEmpty) return;
        var text = (TextLogPart)_parts[part];
        // Readers may have passed a closed part: what comes late goes where none of them misses it.
        if (text.IsClosed && part < _parts.Count - 1) text = (TextLogPart)_parts[OpenNew(text.MessageId, text.Kind)];
        text.Text.Append(delta);
    }

    /// <inheritdoc />
    public void Set(int part, ReadOnlySpan<char> whole) => ((TextLogPart)_parts[part]).Set(whole);

    /// <inheritdoc />
    public void Close(int part) => _parts[part].IsClosed = true;

    /// <inheritdoc />
    public void Add(ReplyItem item)
    {
        foreach (var part in _parts)
        {
            if (part is ItemLogPart known && known.Item.Id == item.Id && known.Item.GetType() == item.GetType()) return;
        }
        _parts.Add(new ItemLogPart(item));
    }

    /// <inheritdoc />
    public void Identify(UpstreamHandle handle) => Handle = handle;

    /// <inheritdoc />
    public void SetUsage(Usage usage) => Usage = usage;

    /// <inheritdoc />
    public void Complete(FinishReason reason) => Finished ??= reason;

    /// <inheritdoc />
    public void Fail(Error error) => Failure ??= error;

    private Cursor ReadText(TextLogPart text, Cursor from, ref int maxChars, List<ReplyEvent> events)
    {
        var offset = text.Standing(from.Offset, from.Revision);
        if (offset < from.Offset) events.Add(new ReplyRewritten(from.Part, offset));
        var length = Math.Min(text.Deliverable - offset, maxChars);
        if (length > 0)
        {
            // Never between the halves of a surrogate pair, where the limit is ours.
            if (offset + length < text.Deliverable && char.IsHighSurrogate(text.Text.Span[offset + length - 1])) length += 1;
            events.Add(text.Event(from.Part, offset, length));
            maxChars -= length;
            offset += length;
        }
        return new Cursor(from.Part, offset, text.Revision);
    }

    private bool IsBehindAll(Cursor cursor) =>
        cursor.Part >= _parts.Count
        || (cursor.Part == _parts.Count - 1 && _parts[cursor.Part] is TextLogPart text && cursor.Offset >= text.Text.Length);

    private int OpenNew(string messageId, TextKind kind)
    {
        _parts.Add(new TextLogPart(messageId, kind, kind == TextKind.Answer ? _answers++ : 0));
        return _parts.Count - 1;
    }

    private TextLogPart? Find(string messageId, TextKind kind) =>
        _parts.OfType<TextLogPart>().FirstOrDefault(part => part.Kind == kind && part.MessageId == messageId);

    private static ReplyPart Export(LogPart part) => part switch
    {
        TextLogPart { Kind: TextKind.Answer } text => new TextPart(text.Text.ToString()),
        TextLogPart text => new ReasoningPart(text.Text.ToString()),
        ItemLogPart item => new ItemPart(item.Item),
        _ => throw new InvalidOperationException(),
    };
}
