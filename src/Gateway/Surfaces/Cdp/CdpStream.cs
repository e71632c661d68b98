using System.Text;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;

namespace CozeCluster.Gateway.Surfaces.Cdp;

/// <summary>
/// Renders a reply as chunks that repeat the text so far. The text so far of a long reply is only in its last chunk: a stream would grow with the square of
/// its length.
/// </summary>
/// <param name="info">The values that all chunks share.</param>
/// <param name="addresses">The addresses of files.</param>
/// <param name="deadline">Begins again with each batch.</param>
/// <param name="promptLength">The length of the prompt, for errors.</param>
/// <param name="errorText">Whether the sentence of an error is also sent as content, for clients that do not show error events.</param>
internal sealed class CdpStream(CompletionInfo info, ReplyAddresses addresses, CdpDeadline deadline, int promptLength, bool errorText) : IReplyRenderer
{
    /// <summary>The length of a text, in UTF-16 units, that each chunk repeats. The replies of coze-discord-proxy ended at 2,000.</summary>
    public const int MaxRepeated = 8_000;

    private readonly ReplyContent _content = new(addresses);
    private readonly StringBuilder _delta = new();
    private int _length;
    private AnswerBreaks _breaks;

    public void RenderStart(SseWriter writer)
    {
        // There is no chunk before the first text.
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        deadline.Restart();
        _content.Add(batch);
        foreach (var replyEvent in batch.Events) AddDelta(replyEvent);
        WriteDelta(writer);
        if (_content.End is ReplyCompleted)
        {
            WriteChunk(writer, _content.BuildText() ?? "", "", _content);
            writer.WriteData(null, "[DONE]"u8);
        }
        else if (_content.End is ReplyFailed { Error: var error }) WriteError(writer, error);
    }

    private void AddDelta(ReplyEvent replyEvent)
    {
        switch (replyEvent)
        {
            case ReplyText text:
                if (_breaks.Add(text)) _delta.Append("\n\n");
                _delta.Append(text.Text.Span);
                break;
            case ReplyItemAdded { Item: ImageItem } added when addresses.Complete(added.Item) is ImageItem image:
                _delta.Append(Markdown.Image(image, added.Part));
                break;
            case ReplyRewritten rewritten:
                if (_breaks.Add(rewritten)) _delta.Append("\n\n");
                break;
        }
    }

    private void WriteDelta(SseWriter writer)
    {
        if (_delta.Length == 0) return;
        var delta = _delta.ToString();
        _delta.Clear();
        _length += delta.Length;
        WriteChunk(writer, _length <= MaxRepeated ? _content.BuildText() ?? "" : "", delta, whole: null);
    }

    private void WriteChunk(SseWriter writer, string text, string delta, ReplyContent? whole) => writer.WriteJson(
        (info, text, delta, whole), static (json, chunk) => CdpJson.WriteChunk(json, chunk.info, chunk.text, chunk.delta, chunk.whole));

    private void WriteError(SseWriter writer, Error error)
    {
        if (errorText)
        {
            _delta.Append(_length > 0 ? "\n\n" : "").Append("[Error: ").Append(error.Message).Append(']');
            WriteDelta(writer);
        }
        writer.WriteJson((error, promptLength), static (json, failed) => CdpErrors.WriteFailedRequest(json, failed.error, failed.promptLength));
    }
}
