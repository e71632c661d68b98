namespace CozeCluster.Grains;

/// <summary>
/// The reply of one turn while it grows: numbered parts in the order in which they appeared, and how the reply ended. The turn runner appends; any number of
/// readers read, each from its own cursor. Parts are identified by the upstream's message ids, so a reply that is read again after a lost connection adds only
/// the text that the log does not contain yet.
/// </summary>
/// <remarks>
/// The upstream decides how much it sends, and the log is in memory and stored as a whole. So a reply that exceeds a limit is cut there: see
/// <see cref="Overflow"/>.
/// </remarks>
/// <param name="maxChars">See <see cref="ConversationOptions.MaxReplyChars"/>.</param>
/// <param name="maxParts">See <see cref="ConversationOptions.MaxReplyParts"/>.</param>
internal sealed class ReplyLog(
    int maxChars = ConversationOptions.DefaultMaxReplyChars, int maxParts = ConversationOptions.DefaultMaxReplyParts) : IReplySink
{
    /// <summary>The largest number of tokens that is believed. Like a negative one, a larger one is an upstream's fault.</summary>
    private const long MaxTokens = 1_000_000_000;

    private readonly List<LogPart> _parts = [];

    /// <summary>The last text part of each message and kind.</summary>
    private readonly Dictionary<(string MessageId, TextKind Kind), int> _texts = [];

    private readonly HashSet<(Type Type, string Id)> _items = [];
    private int _answerCount;
    private int _chars;

    /// <summary>See <see cref="ConversationOptions.MaxReplyChars"/>.</summary>
    public int MaxChars => maxChars;

    /// <summary>How the reply ended; null while the turn runs. Set by the conversation, not by the upstream.</summary>
    public ReplyEvent? End { get; private set; }

    /// <summary>The reason that the upstream gave with <see cref="Complete"/>; null until then.</summary>
    public FinishReason? FinishReason { get; private set; }

    /// <summary>The error that the upstream gave with <see cref="Fail"/>; null without one.</summary>
    public Error? Failure { get; private set; }

    /// <summary>
    /// The error of a reply that exceeds a limit; null otherwise. The log has the reply up to the limit, and ignores what follows, also the end.
    /// </summary>
    public Error? Overflow { get; private set; }

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
        var log = new ReplyLog(int.MaxValue, int.MaxValue);
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

    /// <summary>A log without content and with the same limits.</summary>
    public ReplyLog CreateEmpty() => new(maxChars, maxParts);

    /// <summary>Reads from a cursor on: at least one event if there is any, then up to about <paramref name="batchChars"/> characters.</summary>
    public ReplyBatch Read(string turnId, Cursor after, int batchChars)
    {
        var events = new List<ReplyEvent>(1);
        var next = after;
        while (batchChars > 0 && next.Part < _parts.Count)
        {
            if (_parts[next.Part] is TextLogPart text)
            {
                next = ReadText(text, next, ref batchChars, events);
                if (!text.IsClosed || next.Offset < text.DeliverableLength) break;
                // The cursor stays at the end of the last text part, because more text may be appended to that part.
                if (next.Part == _parts.Count - 1) break;
            }
            else if (next.Offset == 0)
            {
                events.Add(new ReplyItemAdded(next.Part, ((ItemLogPart)_parts[next.Part]).Item));
                batchChars -= 256;
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
    public Error? GetExchangeError() => Overflow
        ?? Failure
        ?? (FinishReason is null ? new Error(ErrorCode.UpstreamProtocol, "The connection to the bot ended before its reply was complete.") : null);

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
    public int GetLength(int part) => part < _parts.Count && _parts[part] is TextLogPart text ? text.Text.Length : 0;

    /// <inheritdoc />
    public int Open(string messageId, TextKind kind)
    {
        if (_texts.TryGetValue((messageId, kind), out var known)) return known;
        if (kind == TextKind.Answer && _texts.TryGetValue((messageId, TextKind.Reasoning), out var reasoning)) _parts[reasoning].IsClosed = true;
        // The ordinal of a part that does not fit is never used: the log ignores its text.
        return HasRoomForPart() ? AddTextPart(messageId, kind) : _parts.Count;
    }

    /// <inheritdoc />
    public void Append(int part, ReadOnlySpan<char> delta)
    {
        if (delta.IsEmpty || Overflow is not null) return;
        var text = (TextLogPart)_parts[part];
        // Readers may be behind a closed part already. Late text goes into a new part, so that no reader misses it.
        if (text.IsClosed && part < _parts.Count - 1)
        {
            if (!HasRoomForPart()) return;
            text = (TextLogPart)_parts[AddTextPart(text.MessageId, text.Kind)];
        }
        var fitting = Fit(delta, maxChars - _chars);
        text.Text.Append(fitting);
        _chars += fitting.Length;
    }

    /// <inheritdoc />
    public void Set(int part, ReadOnlySpan<char> whole)
    {
        if (Overflow is not null) return;
        var text = (TextLogPart)_parts[part];
        var others = _chars - text.Text.Length;
        text.Set(Fit(whole, maxChars - others));
        _chars = others + text.Text.Length;
    }

    /// <inheritdoc />
    public void Close(int part)
    {
        if (Overflow is null) _parts[part].IsClosed = true;
    }

    /// <inheritdoc />
    public void Add(ReplyItem item)
    {
        if (Overflow is not null || _items.Contains((item.GetType(), item.Id)) || !HasRoomForPart()) return;
        var part = new ItemLogPart(item);
        if (part.Chars > maxChars - _chars)
        {
            Overflow = TooLong();
            return;
        }
        _items.Add((item.GetType(), item.Id));
        _parts.Add(part);
        _chars += part.Chars;
    }

    /// <inheritdoc />
    public void Identify(UpstreamHandle handle) => Handle = handle;

    /// <inheritdoc />
    public void SetUsage(Usage usage) => Usage = new Usage(Limit(usage.InputTokens), Limit(usage.OutputTokens), Limit(usage.TotalTokens))
    {
        CachedInputTokens = usage.CachedInputTokens is { } cached ? Limit(cached) : null,
        CacheWriteTokens = usage.CacheWriteTokens is { } written ? Limit(written) : null,
        ReasoningTokens = usage.ReasoningTokens is { } reasoning ? Limit(reasoning) : null,
        IsEstimated = usage.IsEstimated,
    };

    /// <inheritdoc />
    public void Complete(FinishReason reason)
    {
        if (Overflow is null) FinishReason ??= reason;
    }

    /// <inheritdoc />
    public void Fail(Error error)
    {
        if (Overflow is null) Failure ??= error;
    }

    private static Cursor ReadText(TextLogPart text, Cursor from, ref int batchChars, List<ReplyEvent> events)
    {
        var offset = text.GetValidOffset(from.Offset, from.Revision);
        if (offset < from.Offset) events.Add(new ReplyRewritten(from.Part, offset));
        var length = Math.Min(text.DeliverableLength - offset, batchChars);
        if (length > 0)
        {
            // The limit must not separate the halves of a surrogate pair.
            if (offset + length < text.DeliverableLength && char.IsHighSurrogate(text.Text.Span[offset + length - 1])) length += 1;
            events.Add(text.CreateEvent(from.Part, offset, length));
            batchChars -= length;
            offset += length;
        }
        return new Cursor(from.Part, offset, text.Revision);
    }

    private bool IsAtEnd(Cursor cursor) =>
        cursor.Part >= _parts.Count
        || (cursor.Part == _parts.Count - 1 && _parts[cursor.Part] is TextLogPart text && cursor.Offset >= text.DeliverableLength);

    // The numbers are summed up and charged.
    private static long Limit(long tokens) => Math.Clamp(tokens, 0, MaxTokens);

    private int AddTextPart(string messageId, TextKind kind)
    {
        _parts.Add(new TextLogPart(messageId, kind, kind == TextKind.Answer ? _answerCount++ : 0));
        return _texts[(messageId, kind)] = _parts.Count - 1;
    }

    private bool HasRoomForPart()
    {
        if (_parts.Count >= maxParts) Overflow ??= new Error(ErrorCode.UpstreamProtocol, $"The reply has more than {maxParts} parts, so it was cut there.");
        return Overflow is null;
    }

    /// <summary>The start of a text, as far as it fits.</summary>
    private ReadOnlySpan<char> Fit(ReadOnlySpan<char> text, int room)
    {
        if (text.Length <= room) return text;
        Overflow = TooLong();
        return text[..room];
    }

    private Error TooLong() => new(ErrorCode.UpstreamProtocol, $"The reply is longer than {maxChars} characters, so it was cut there.");

    private static ReplyPart ToReplyPart(LogPart part) => part switch
    {
        TextLogPart { Kind: TextKind.Answer } text => new TextPart(text.DeliverableText),
        TextLogPart text => new ReasoningPart(text.DeliverableText),
        ItemLogPart item => new ItemPart(item.Item),
        _ => throw new InvalidOperationException(),
    };
}
