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
    private bool _hasText;
    private bool _isRestarted;
    private int _answerPart = -1;

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
                Write(writer, text is { Answer: > 0, Offset: 0 } && !_isRestarted ? _nextHead : head, text.Text.Span);
                (_isRestarted, _answerPart) = (false, text.Part);
                break;
            // The client keeps what it has. The new text follows below it.
            case ReplyRewritten rewritten when rewritten.Part == _answerPart:
                Write(writer, head, "\n\n");
                _isRestarted = rewritten.Offset == 0;
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
