namespace CozeCluster.Grains;

/// <summary>One part of a reply log.</summary>
internal abstract class LogPart
{
    /// <summary>Nothing more will come; what follows may be delivered.</summary>
    public bool IsClosed { get; set; }
}

/// <summary>A part that is not text; whole from the start.</summary>
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
/// <param name="messageId">The far side's id of the message.</param>
/// <param name="kind">What it holds.</param>
/// <param name="answer">Which answer of the reply, from 0.</param>
internal sealed class TextLogPart(string messageId, TextKind kind, int answer) : LogPart
{
    private List<int>? _rewrites;

    public string MessageId => messageId;
    public TextKind Kind => kind;
    public int Answer => answer;
    public TextBuffer Text { get; } = new();

    /// <summary>How often text that stood was changed.</summary>
    public int Revision => _rewrites?.Count ?? 0;

    /// <summary>Where text that stood was changed, each time.</summary>
    public IReadOnlyList<int> Rewrites => _rewrites ?? [];

    /// <summary>How much may be delivered now.</summary>
    public int Deliverable => IsClosed ? Text.Length : Text.WholeLength;

    /// <summary>Makes the text equal <paramref name="whole"/>.</summary>
    /// <returns>Whether anything changed.</returns>
    public bool Set(ReadOnlySpan<char> whole)
    {
        var common = Text.CommonPrefix(whole);
        if (common < Text.Length)
        {
            (_rewrites ??= []).Add(common);
            Text.CutTo(common);
        }
        else if (common == whole.Length)
        {
            return false;
        }
        Text.Append(whole[common..]);
        return true;
    }

    /// <summary>Notes a change that the text already holds.</summary>
    public void Recall(int rewrite) => (_rewrites ??= []).Add(rewrite);

    /// <summary>How much of what a reader had at <paramref name="offset"/> of revision <paramref name="revision"/> still stands.</summary>
    public int Standing(int offset, int revision)
    {
        var standing = Math.Min(offset, Text.Length);
        if (_rewrites is null) return standing;
        for (var i = Math.Max(revision, 0); i < _rewrites.Count; i++) standing = Math.Min(standing, _rewrites[i]);
        return standing;
    }

    /// <summary>The next stretch of text as an event.</summary>
    public ReplyEvent Event(int ordinal, int offset, int length) => kind == TextKind.Answer
        ? new ReplyText(ordinal, offset, answer, Text.Slice(offset, length))
        : new ReplyReasoning(ordinal, offset, Text.Slice(offset, length));
}
