using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Compat;

/// <summary>Renders a reply for older systems' clients, which know only text: each text is an event of constant JSON around it.</summary>
/// <param name="head">The JSON of an event up to and including the text's opening quote.</param>
/// <param name="tail">The JSON from the text's closing quote to the end.</param>
/// <param name="addresses">The addresses of files.</param>
/// <param name="errorText">Whether the sentence of an error is also sent as content, for clients that do not show error events.</param>
internal abstract class TextStream(byte[] head, byte[] tail, ReplyAddresses addresses, bool errorText) : IReplyRenderer
{
    private readonly byte[] _nextHead = [.. head, .. "\\n\\n"u8];
    private AnswerBreaks _breaks;
    private bool _hasText;

    public abstract void RenderStart(SseWriter writer);

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        // No foreach: it would box the enumerator.
        for (var i = 0; i < batch.Events.Count; i++) Render(writer, batch.Events[i]);
    }

    /// <summary>Writes the events after the last text of a whole reply.</summary>
    protected abstract void WriteEnd(SseWriter writer, ReplyCompleted completed);

    /// <summary>Writes the event of an error. The response ends abnormally after it.</summary>
    protected abstract void WriteError(SseWriter writer, Error error);

    private void Render(SseWriter writer, ReplyEvent replyEvent)
    {
        switch (replyEvent)
        {
            case ReplyText text:
                Write(writer, _breaks.Add(text) ? _nextHead : head, text.Text.Span);
                break;
            case ReplyRewritten rewritten:
                if (_breaks.Add(rewritten)) Write(writer, head, "\n\n");
                break;
            case ReplyItemAdded { Item: ImageItem } added:
                Write(writer, head, Markdown.Image((ImageItem)addresses.Complete(added.Item), added.Part));
                break;
            case ReplyCompleted completed:
                WriteEnd(writer, completed);
                break;
            case ReplyFailed failed:
                if (errorText) Write(writer, _hasText ? _nextHead : head, $"[Error: {failed.Error.Message}]");
                WriteError(writer, failed.Error);
                break;
        }
    }

    private void Write(SseWriter writer, byte[] start, ReadOnlySpan<char> text)
    {
        writer.WriteText(null, start, text, tail);
        _hasText = true;
    }
}

/// <summary>Decides where a stream needs a blank line, for clients that append text and cannot remove it. Mutable: it keeps the state of one stream.</summary>
internal struct AnswerBreaks
{
    private int? _part;
    private bool _isRestarted;

    /// <summary>Adds a text.</summary>
    /// <returns>Whether a blank line belongs before it: it begins an answer below another one.</returns>
    public bool Add(ReplyText text)
    {
        var isNext = text is { Answer: > 0, Offset: 0 } && !_isRestarted;
        (_part, _isRestarted) = (text.Part, false);
        return isNext;
    }

    /// <summary>Adds a rewrite.</summary>
    /// <returns>Whether a blank line belongs in its place: the client keeps the old text of the answer, and shows the new one below it.</returns>
    public bool Add(ReplyRewritten rewritten)
    {
        if (rewritten.Part != _part) return false;
        // The new text needs no other blank line.
        _isRestarted = rewritten.Offset == 0;
        return true;
    }
}
