using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;

namespace CozeCluster.Gateway.Surfaces.Chat;

/// <summary>Renders a reply as chat completion chunks. The parts that all chunks share are encoded once.</summary>
internal sealed class ChatStream : IReplyRenderer
{
    private readonly CompletionInfo _info;
    private readonly ReplyAddresses _addresses;
    private readonly bool _includeUsage;
    private readonly bool _fromStart;
    private readonly bool _errorText;
    private readonly bool _isOneOfSeveral;
    private readonly byte[] _deltaHead;
    private readonly byte[] _contentHead;
    private readonly byte[] _nextAnswerHead;
    private readonly byte[] _contentTail;
    private readonly byte[] _choiceTail;
    private readonly byte[] _chunkHead;
    private readonly List<FollowUpItem> _followUps = [];
    private byte[]? _reasoningHead;
    private Cursor _cursor;
    private int _toolCalls;
    private bool _hasContent;
    private int _answerPart = -1;
    private int _restartedPart = -1;
    private int _reasoningPart = -1;

    /// <param name="info">The values that all chunks share.</param>
    /// <param name="addresses">The addresses of files.</param>
    /// <param name="includeUsage">Whether to end with a chunk that has token counts.</param>
    /// <param name="after">The cursor after which this response begins.</param>
    /// <param name="parts">The parts of the reply so far. Those before <paramref name="after"/> affect what follows.</param>
    /// <param name="errorText">Whether the sentence of an error is also sent as content, for clients that do not show error events.</param>
    /// <param name="choice">
    /// The index of the choice, if the stream has several. Then the events have no ids, and <see cref="WriteStreamEnd"/> has to be called when all are whole.
    /// </param>
    public ChatStream(
        CompletionInfo info, ReplyAddresses addresses, bool includeUsage, Cursor after = default, IReadOnlyList<ReplyPart>? parts = null,
        bool errorText = false, int? choice = null)
    {
        (_errorText, _isOneOfSeveral) = (errorText, choice is not null);
        (_info, _addresses, _includeUsage, _cursor, _fromStart) = (info, addresses, includeUsage, after, after == Cursor.Start);
        var model = JsonEncodedText.Encode(info.Model, JsonBody.WriterOptions.Encoder);
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":"{{info.CompletionId}}","object":"chat.completion.chunk","created":{{info.Created}},"model":"{{model}}","choices":""");
        var usage = includeUsage ? ",\"usage\":null" : "";
        _chunkHead = Encoding.UTF8.GetBytes(head);
        _deltaHead = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{{head}}[{"index":{{choice ?? 0}},"delta":"""));
        _contentHead = [.. _deltaHead, .. """{"content":" """u8.TrimEnd((byte)' ')];
        _nextAnswerHead = [.. _contentHead, .. "\\n\\n"u8];
        _contentTail = Encoding.UTF8.GetBytes("\"},\"finish_reason\":null}]" + usage + "}");
        _choiceTail = Encoding.UTF8.GetBytes(",\"finish_reason\":null}]" + usage);
        if (after is { Offset: 0, Revision: > 0 }) _restartedPart = after.Part;
        RestoreState(after, parts ?? []);
    }

    private Cursor? EventId => _isOneOfSeveral ? null : _cursor;

    public void RenderStart(SseWriter writer)
    {
        if (!_fromStart) return;
        writer.BeginEvent(null);
        writer.WriteRaw(_deltaHead);
        writer.WriteRaw("""{"role":"assistant","content":""}"""u8);
        writer.WriteRaw(_choiceTail);
        writer.WriteRaw("}"u8);
        writer.EndEvent();
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        // No foreach: it would box the enumerator.
        for (var i = 0; i < batch.Events.Count; i++)
        {
            var replyEvent = batch.Events[i];
            if (replyEvent is ReplyRewritten rewritten) WriteBreak(writer, rewritten);
            _cursor = ReplyCursor.After(_cursor, replyEvent, batch);
            WriteEvent(writer, replyEvent);
        }
        _cursor = batch.Next;
    }

    private void WriteEvent(SseWriter writer, ReplyEvent replyEvent)
    {
        switch (replyEvent)
        {
            case ReplyText text:
                var head = text is { Answer: > 0, Offset: 0 } && text.Part != _restartedPart ? _nextAnswerHead : _contentHead;
                writer.WriteText(EventId, head, text.Text.Span, _contentTail);
                _hasContent = true;
                _answerPart = text.Part;
                break;
            case ReplyReasoning reasoning:
                writer.WriteText(EventId, ReasoningHead(), reasoning.Text.Span, _contentTail);
                _reasoningPart = reasoning.Part;
                break;
            case ReplyRewritten rewritten:
                WriteRewritten(writer, rewritten);
                break;
            case ReplyItemAdded added:
                WriteItem(writer, added);
                break;
            case ReplyCompleted completed:
                WriteEnd(writer, completed);
                break;
            case ReplyFailed failed:
                WriteError(writer, failed.Error);
                break;
        }
    }

    private byte[] ReasoningHead() => _reasoningHead ??= [.. _deltaHead, .. """{"reasoning_content":" """u8.TrimEnd((byte)' ')];

    private void WriteError(SseWriter writer, Error error)
    {
        if (_errorText) writer.WriteText(EventId, _hasContent ? _nextAnswerHead : _contentHead, $"[Error: {error.Message}]", _contentTail);
        writer.WriteJson(error, ErrorRenderer.WriteBody);
    }

    /// <summary>
    /// Writes a blank line before the event of a rewrite. A client that does not know the event keeps the old text, and shows the new one below it. A client
    /// that knows the event cuts off the blank line together with the old text: its cursor is still that of the old text.
    /// </summary>
    private void WriteBreak(SseWriter writer, ReplyRewritten rewritten)
    {
        if (rewritten.Part == _answerPart) writer.WriteText(EventId, _contentHead, "\n\n", _contentTail);
        else if (rewritten.Part == _reasoningPart) writer.WriteText(EventId, ReasoningHead(), "\n\n", _contentTail);
    }

    private void WriteRewritten(SseWriter writer, ReplyRewritten rewritten)
    {
        // The client received the blank line before this answer with the answer's first text, and keeps it.
        if (rewritten.Offset == 0) _restartedPart = rewritten.Part;
        var json = BeginExtension(writer);
        json.WriteStartObject();
        json.WriteStartObject("rewritten"u8);
        json.WriteNumber("part"u8, rewritten.Part);
        json.WriteNumber("offset"u8, rewritten.Offset);
        json.WriteEndObject();
        json.WriteEndObject();
        EndExtension(writer, json);
    }

    private void WriteItem(SseWriter writer, ReplyItemAdded added)
    {
        var item = _addresses.Complete(added.Item);
        switch (item)
        {
            case ImageItem image:
                _hasContent = true;
                writer.WriteText(EventId, _contentHead, Markdown.Image(image, added.Part), _contentTail);
                break;
            case FollowUpItem followUp:
                _followUps.Add(followUp);
                break;
            case ToolCallItem { ForClient: true } call:
                WriteToolCall(writer, call);
                break;
            default:
                var json = BeginExtension(writer);
                json.WriteStartObject();
                json.WriteStartArray("events"u8);
                ExtensionJson.WriteEvent(json, item);
                json.WriteEndArray();
                json.WriteEndObject();
                EndExtension(writer, json);
                break;
        }
    }

    /// <summary>Writes the whole call as one chunk. If it were split, a client could not resume the stream between the two chunks.</summary>
    private void WriteToolCall(SseWriter writer, ToolCallItem call)
    {
        writer.BeginEvent(EventId);
        writer.WriteRaw(_deltaHead);
        writer.WriteRaw("""{"tool_calls":["""u8);
        var json = writer.GetJsonWriter();
        json.WriteStartObject();
        json.WriteNumber("index"u8, _toolCalls);
        CompletionJson.WriteToolCall(json, ToolCallIds.Of(_info.TurnId, _toolCalls++), call.Name, call.Arguments);
        json.WriteEndObject();
        json.Flush();
        writer.WriteRaw("]}"u8);
        writer.WriteRaw(_choiceTail);
        writer.WriteRaw("}"u8);
        writer.EndEvent();
    }

    private void WriteEnd(SseWriter writer, ReplyCompleted completed)
    {
        writer.BeginEvent(null);
        writer.WriteRaw(_deltaHead);
        writer.WriteRaw("""{},"finish_reason":" """u8.TrimEnd((byte)' '));
        writer.WriteRaw(CompletionJson.NameOf(completed.Reason));
        writer.WriteRaw("\"}]"u8);
        if (_includeUsage) writer.WriteRaw(",\"usage\":null"u8);
        writer.WriteRaw(","u8);
        var json = writer.GetJsonWriter();
        ExtensionJson.Write(json, _info, completed.Origin, completed.Usage, _followUps, null);
        json.Flush();
        writer.WriteRaw("}"u8);
        writer.EndEvent();
        if (!_isOneOfSeveral) WriteStreamEnd(writer, completed.Usage);
    }

    /// <summary>Writes what follows the last choice.</summary>
    public void WriteStreamEnd(SseWriter writer, Usage? usage)
    {
        if (_includeUsage)
        {
            writer.BeginEvent(null);
            writer.WriteRaw(_chunkHead);
            writer.WriteRaw("[],"u8);
            var json = writer.GetJsonWriter();
            CompletionJson.WriteUsage(json, usage);
            json.Flush();
            writer.WriteRaw("}"u8);
            writer.EndEvent();
        }
        writer.WriteData(null, "[DONE]"u8);
    }

    /// <summary>Begins a chunk with an empty delta and the extension object, which the caller writes.</summary>
    private Utf8JsonWriter BeginExtension(SseWriter writer)
    {
        writer.BeginEvent(EventId);
        writer.WriteRaw(_deltaHead);
        writer.WriteRaw("{}"u8);
        writer.WriteRaw(_choiceTail);
        writer.WriteRaw(",\"cozecluster\":"u8);
        return writer.GetJsonWriter();
    }

    private static void EndExtension(SseWriter writer, Utf8JsonWriter json)
    {
        json.Flush();
        writer.WriteRaw("}"u8);
        writer.EndEvent();
    }

    /// <summary>
    /// Restores the state that a stream from the start would have at this cursor: the number of tool calls, which continue to be counted, and the follow-ups,
    /// which the last chunk lists; and what kind of text the client has received.
    /// </summary>
    private void RestoreState(Cursor after, IReadOnlyList<ReplyPart> parts)
    {
        for (var i = 0; i < parts.Count && (i < after.Part || (i == after.Part && after.Offset > 0)); i++)
        {
            if (parts[i] is TextPart) (_hasContent, _answerPart) = (true, i);
            if (parts[i] is ReasoningPart) _reasoningPart = i;
            if (parts[i] is not ItemPart part) continue;
            if (part.Item is ImageItem) _hasContent = true;
            if (part.Item is ToolCallItem { ForClient: true }) _toolCalls++;
            if (part.Item is FollowUpItem followUp) _followUps.Add(followUp);
        }
    }
}
