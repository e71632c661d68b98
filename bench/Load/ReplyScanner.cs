namespace CozeCluster.Load;

/// <summary>How a reply ended.</summary>
internal enum ReplyEnd
{
    None,
    Done,
    Failed,
}

/// <summary>Reads a reply's SSE lines: how many deltas came, how much text they held, and how it ended. Knows both APIs by their lines.</summary>
internal sealed class ReplyScanner(bool isCoze)
{
    private bool _isDelta;

    /// <summary>Characters of text in this reply; the sandbox's text needs no escaping.</summary>
    public int Text { get; private set; }

    /// <summary>Events that held text.</summary>
    public int Events { get; private set; }

    public ReplyEnd End { get; private set; }

    public void Reset()
    {
        Text = 0;
        Events = 0;
        End = ReplyEnd.None;
        _isDelta = false;
    }

    /// <summary>Takes one line, without its line break.</summary>
    public void Line(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("data:"u8)) Data(line[5..].TrimStart((byte)' '));
        else if (isCoze && line.StartsWith("event:"u8)) Event(line[6..].TrimStart((byte)' '));
        else if (line.StartsWith("event: error"u8)) End = ReplyEnd.Failed;
    }

    private void Event(ReadOnlySpan<byte> name)
    {
        _isDelta = name.SequenceEqual("conversation.message.delta"u8);
        if (name.SequenceEqual("done"u8)) End = End == ReplyEnd.Failed ? ReplyEnd.Failed : ReplyEnd.Done;
        else if (name.SequenceEqual("error"u8) || name.SequenceEqual("conversation.chat.failed"u8)) End = ReplyEnd.Failed;
    }

    private void Data(ReadOnlySpan<byte> data)
    {
        if (isCoze)
        {
            if (_isDelta) Content(data);
            return;
        }
        if (data.SequenceEqual("[DONE]"u8)) End = ReplyEnd.Done;
        else if (data.StartsWith("{\"error\""u8)) End = ReplyEnd.Failed;
        else Content(data);
    }

    private void Content(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOf("\"content\":\""u8);
        if (at < 0) return;
        var length = json[(at + 11)..].IndexOf((byte)'"');
        if (length <= 0) return;
        Text += length;
        Events++;
    }
}
