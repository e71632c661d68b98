namespace CozeCluster.Load;

/// <summary>How a reply ended.</summary>
internal enum ReplyEnd
{
    None,
    Done,
    Failed,
}

/// <summary>Reads the SSE lines of a reply of either API: counts deltas and text, and recognizes the end.</summary>
internal sealed class ReplyScanner(bool isCoze)
{
    private bool _isDelta;

    /// <summary>The number of characters of text. The text of the sandbox contains no escape sequences.</summary>
    public int Text { get; private set; }

    /// <summary>The number of events with text.</summary>
    public int Events { get; private set; }

    public ReplyEnd End { get; private set; }

    public void Reset()
    {
        Text = 0;
        Events = 0;
        End = ReplyEnd.None;
        _isDelta = false;
    }

    /// <summary>Reads one line, without its line break.</summary>
    public void ReadLine(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("data:"u8)) ReadData(line[5..].TrimStart((byte)' '));
        else if (isCoze && line.StartsWith("event:"u8)) ReadEventName(line[6..].TrimStart((byte)' '));
        else if (line.StartsWith("event: error"u8)) End = ReplyEnd.Failed;
    }

    private void ReadEventName(ReadOnlySpan<byte> name)
    {
        _isDelta = name.SequenceEqual("conversation.message.delta"u8);
        if (name.SequenceEqual("done"u8)) End = End == ReplyEnd.Failed ? ReplyEnd.Failed : ReplyEnd.Done;
        else if (name.SequenceEqual("error"u8) || name.SequenceEqual("conversation.chat.failed"u8)) End = ReplyEnd.Failed;
    }

    private void ReadData(ReadOnlySpan<byte> data)
    {
        if (isCoze)
        {
            if (_isDelta) CountText(data);
            return;
        }
        if (data.SequenceEqual("[DONE]"u8)) End = ReplyEnd.Done;
        else if (data.StartsWith("{\"error\""u8)) End = ReplyEnd.Failed;
        else CountText(data);
    }

    private void CountText(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOf("\"content\":\""u8);
        if (at < 0) return;
        var length = json[(at + 11)..].IndexOf((byte)'"');
        if (length <= 0) return;
        Text += length;
        Events++;
    }
}
