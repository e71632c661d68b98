namespace CozeCluster.Grains;

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

    /// <summary>The length of its content in UTF-16 units.</summary>
    public int Chars => Item switch
    {
        ToolCallItem call => call.Name.Length + call.Arguments.Length,
        ToolOutputItem output => output.Output.Length,
        KnowledgeItem knowledge => knowledge.Content.Length,
        OtherItem other => other.Kind.Length + other.Content.Length,
        ImageItem image => image.Url.Length,
        CardItem card => card.Content.Length,
        FollowUpItem followUp => followUp.Text.Length,
        _ => 0,
    };
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
