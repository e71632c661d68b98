namespace CozeCluster.Grains;

/// <summary>
/// The reply of one turn while it grows: numbered parts in the order in which they appeared, and how the reply ended. The turn runner appends; any number of
/// readers read, each from its own cursor. Parts are identified by the upstream's message ids, so a reply that is read again after a lost connection adds only
/// the text that the log does not contain yet.
/// </summary>
internal sealed class ReplyLog : IReplySink
{
    private readonly List<LogPart> _parts = [];
    private int _answerCount;

    /// <summary>How the reply ended; null while the turn runs. Set by the conversation, not by the upstream.</summary>
    public ReplyEvent? End { get; private set; }

    /// <summary>The reason that the upstream gave with <see cref="Complete"/>; null until then.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>The error that the upstream gave with <see cref="Fail"/>; null without one.</summary>
    public Error? Failure { get; private set; }

    /// <summary>The last usage that the upstream reported.</summary>
    public Usage? Usage { get; private set; }

    /// <summary>The ids by which the exchange can be found again; null until the upstream has reported them.</summary>
    public UpstreamHandle? Handle { get; private set; }

    /// <summary>Whether there is no content yet that a client could have seen.</summary>
    public bool IsEmpty => _parts.TrueForAll(part => part is TextLogPart { Text.Length: 0 });

    /// <summary>The cursor behind all content.</summary>
    public Cursor EndCursor => _parts.Count == 0 ? Cursor.Start : _parts[^1] switch
    {
        TextLogPart text => new Cursor(_parts.Count - 1, text.DeliverableLength, text.Revision),
        _ => new Cursor(_parts.Count, 0),
    };

    /// <summary>The parts as messages contain them.</summary>
    public IReadOnlyList<ReplyPart> Parts => [.. _parts.Select(ToReplyPart)];

    /// <summary>Where text was rewritten. It is stored too: a reader with an older cursor needs it after the reply has ended.</summary>
    public IReadOnlyList<Rewrite> Rewrites =>
        [.. _parts.SelectMany((part, index) => part is TextLogPart text ? text.Rewrites.Select(offset => new Rewrite(index, offset)) : [])];

    /// <summary>Rebuilds the log of a reply that has ended.</summary>
    public static ReplyLog FromStored(IReadOnlyList<ReplyPart> parts, IReadOnlyList<Rewrite> rewrites, ReplyEvent end)
    {
        var log = new ReplyLog();
        foreach (var part in parts)
        {
            switch (part)
            {
                case TextPart text:
                    log.Append(log.AddTextPart($"{log._parts.Count}", TextKind.Answer), text.Text);
                    break;
                case ReasoningPart reasoning:
                    log.Append(log.AddTextPart($"{log._parts.Count}", TextKind.Reasoning), reasoning.Text);
                    break;
                case ItemPart item:
                    log.Add(item.Item);
                    break;
            }
        }
        foreach (var rewrite in rewrites) ((TextLogPart)log._parts[rewrite.Part]).AddRewrite(rewrite.Offset);
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
                if (!text.IsClosed || next.Offset < text.DeliverableLength) break;
                // The cursor stays at the end of the last text part, because more text may be appended to that part.
                if (next.Part == _parts.Count - 1) break;
            }
            else if (next.Offset == 0)
            {
                events.Add(new ReplyItemAdded(next.Part, ((ItemLogPart)_parts[next.Part]).Item));
                maxChars -= 256;
            }
            next = new Cursor(next.Part + 1, 0);
        }
        if (End is not null && IsAtEnd(next)) events.Add(End);
        return new ReplyBatch(turnId, events, next);
    }

    /// <summary>Whether <see cref="Read"/> from this cursor would return no event.</summary>
    public bool HasNothingAfter(Cursor cursor)
    {
        if (End is not null) return false;
        if (cursor.Part >= _parts.Count) return true;
        return _parts[cursor.Part] is TextLogPart text
            && text.Revision == cursor.Revision
            && cursor.Offset >= text.DeliverableLength
            && (!text.IsClosed || cursor.Part == _parts.Count - 1);
    }

    /// <summary>The error of a reply whose exchange has ended; null if the upstream reported it as complete.</summary>
    public Error? GetExchangeError() =>
        Failure ?? (FinishReason is null ? new Error(ErrorCode.UpstreamProtocol, "The connection to the bot ended before its reply was complete.") : null);

    /// <summary>Ends the reply. All of its content can be delivered from now on.</summary>
    public void Finish(ReplyEvent end)
    {
        foreach (var part in _parts) part.IsClosed = true;
        End = end;
    }

    /// <summary>Forgets what the upstream reported about the end, because the same reply is read again.</summary>
    public void ClearExchangeEnd()
    {
        FinishReason = null;
        Failure = null;
    }

    /// <inheritdoc />
    public bool HasOpenText => _parts.Exists(part => part is TextLogPart { IsClosed: false, Text.Length: > 0 });

    /// <inheritdoc />
    public int Open(string messageId, TextKind kind)
    {
        for (var i = _parts.Count - 1; i >= 0; i--)
        {
            if (_parts[i] is TextLogPart text && text.Kind == kind && text.MessageId == messageId) return i;
        }
        if (kind == TextKind.Answer && FindText(messageId, TextKind.Reasoning) is { } reasoning) reasoning.IsClosed = true;
        return AddTextPart(messageId, kind);
    }

    /// <inheritdoc />
    public void Append(int part, ReadOnlySpan<char> delta)
    {
        if (delta.IsEmpty) return;
        var text = (TextLogPart)_parts[part];
        // Readers may be behind a closed part already. Late text goes into a new part, so that no reader misses it.
        if (text.IsClosed && part < _parts.Count - 1) text = (TextLogPart)_parts[AddTextPart(text.MessageId, text.Kind)];
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
    public void Complete(FinishReason reason) => FinishReason ??= reason;

    /// <inheritdoc />
    public void Fail(Error error) => Failure ??= error;

    private static Cursor ReadText(TextLogPart text, Cursor from, ref int maxChars, List<ReplyEvent> events)
    {
        var offset = text.GetValidOffset(from.Offset, from.Revision);
        if (offset < from.Offset) events.Add(new ReplyRewritten(from.Part, offset));
        var length = Math.Min(text.DeliverableLength - offset, maxChars);
        if (length > 0)
        {
            // The limit must not separate the halves of a surrogate pair.
            if (offset + length < text.DeliverableLength && char.IsHighSurrogate(text.Text.Span[offset + length - 1])) length += 1;
            events.Add(text.CreateEvent(from.Part, offset, length));
            maxChars -= length;
            offset += length;
        }
        return new Cursor(from.Part, offset, text.Revision);
    }

    private bool IsAtEnd(Cursor cursor) =>
        cursor.Part >= _parts.Count
        || (cursor.Part == _parts.Count - 1 && _parts[cursor.Part] is TextLogPart text && cursor.Offset >= text.DeliverableLength);

    private int AddTextPart(string messageId, TextKind kind)
    {
        _parts.Add(new TextLogPart(messageId, kind, kind == TextKind.Answer ? _answerCount++ : 0));
        return _parts.Count - 1;
    }

    private TextLogPart? FindText(string messageId, TextKind kind) =>
        _parts.OfType<TextLogPart>().FirstOrDefault(part => part.Kind == kind && part.MessageId == messageId);

    private static ReplyPart ToReplyPart(LogPart part) => part switch
    {
        TextLogPart { Kind: TextKind.Answer } text => new TextPart(text.DeliverableText),
        TextLogPart text => new ReasoningPart(text.DeliverableText),
        ItemLogPart item => new ItemPart(item.Item),
        _ => throw new InvalidOperationException(),
    };
}

/// <summary>One part of a reply log.</summary>
internal abstract class LogPart
{
    /// <summary>Whether the part is complete. The parts behind it are delivered only then.</summary>
    public bool IsClosed { get; set; }
}

/// <summary>A part that is not text. It is complete from the start.</summary>
internal sealed class ItemLogPart : LogPart
{
    public ItemLogPart(ReplyItem item)
    {
        Item = item;
        IsClosed = true;
    }

    public ReplyItem Item { get; }
}

/// <summary>An answer or reasoning.</summary>
/// <param name="messageId">The upstream's id of the message.</param>
/// <param name="kind">Answer or reasoning.</param>
/// <param name="answer">The number of this answer in the reply, from 0.</param>
internal sealed class TextLogPart(string messageId, TextKind kind, int answer) : LogPart
{
    private List<int>? _rewrites;

    public string MessageId => messageId;

    public TextKind Kind => kind;

    public TextBuffer Text { get; } = new();

    /// <summary>How many times text of this part was rewritten.</summary>
    public int Revision => _rewrites?.Count ?? 0;

    /// <summary>For each rewrite, the offset up to which the text stayed the same.</summary>
    public IReadOnlyList<int> Rewrites => _rewrites ?? [];

    /// <summary>
    /// How many UTF-16 units can be delivered now. Half a character at the end is held back, also at the end of a reply that was cut there: it is no text.
    /// </summary>
    public int DeliverableLength => Text.CompleteLength;

    /// <summary>The text that can be delivered now.</summary>
    public string DeliverableText => new(Text.Span[..DeliverableLength]);

    /// <summary>Changes the text to <paramref name="whole"/>: appends what is new, and rewrites what differs.</summary>
    public void Set(ReadOnlySpan<char> whole)
    {
        var common = Text.GetCommonPrefixLength(whole);
        if (common < Text.Length)
        {
            AddRewrite(common);
            Text.Truncate(common);
        }
        Text.Append(whole[common..]);
    }

    /// <summary>Records a rewrite at an offset.</summary>
    public void AddRewrite(int offset) => (_rewrites ??= []).Add(offset);

    /// <summary>
    /// How much of the text that a reader received is still valid, if its cursor is at <paramref name="offset"/> of <paramref name="revision"/>.
    /// </summary>
    public int GetValidOffset(int offset, int revision)
    {
        var valid = Math.Min(offset, Text.Length);
        if (_rewrites is null) return valid;
        for (var i = Math.Max(revision, 0); i < _rewrites.Count; i++) valid = Math.Min(valid, _rewrites[i]);
        return valid;
    }

    /// <summary>A piece of the text as a reply event.</summary>
    public ReplyEvent CreateEvent(int ordinal, int offset, int length) => kind == TextKind.Answer
        ? new ReplyText(ordinal, offset, answer, Text.Slice(offset, length))
        : new ReplyReasoning(ordinal, offset, Text.Slice(offset, length));
}

/// <summary>Growing text. Characters are never overwritten, so its slices stay valid and can be sent without copying.</summary>
internal sealed class TextBuffer
{
    private const int MinCapacity = 256;

    private char[] _chars = [];

    /// <summary>UTF-16 units.</summary>
    public int Length { get; private set; }

    public ReadOnlySpan<char> Span => _chars.AsSpan(0, Length);

    /// <summary>The length without the first half of a surrogate pair whose second half is missing so far.</summary>
    public int CompleteLength => Length > 0 && char.IsHighSurrogate(_chars[Length - 1]) ? Length - 1 : Length;

    public void Append(ReadOnlySpan<char> text)
    {
        if (Length + text.Length > _chars.Length) Array.Resize(ref _chars, Math.Max(MinCapacity, Math.Max(2 * _chars.Length, Length + text.Length)));
        text.CopyTo(_chars.AsSpan(Length));
        Length += text.Length;
    }

    /// <summary>
    /// Cuts the text back to <paramref name="length"/>. Text that follows goes into a new array, because readers still hold slices of the old one.
    /// </summary>
    public void Truncate(int length)
    {
        _chars = _chars.AsSpan(0, length).ToArray();
        Length = length;
    }

    public ReadOnlyMemory<char> Slice(int start, int length) => _chars.AsMemory(start, length);

    /// <summary>How many UTF-16 units this text and <paramref name="other"/> have in common at the start, without half a surrogate pair.</summary>
    public int GetCommonPrefixLength(ReadOnlySpan<char> other)
    {
        var common = Span.CommonPrefixLength(other);
        return common > 0 && common < Math.Max(Length, other.Length) && char.IsHighSurrogate(_chars[common - 1]) ? common - 1 : common;
    }

    /// <inheritdoc />
    public override string ToString() => new(Span);
}
