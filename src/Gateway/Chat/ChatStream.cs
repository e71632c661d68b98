using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.Gateway.Errors;
using CozeCluster.Gateway.Observing;
using CozeCluster.Gateway.Sse;

namespace CozeCluster.Gateway.Chat;

/// <summary>Renders a reply as chat completion chunks. What never changes within a response is encoded once.</summary>
internal sealed class ChatStream : IReplyRenderer
{
    private readonly CompletionIds _ids;
    private readonly bool _includeUsage;
    private readonly bool _fromStart;
    private readonly byte[] _contentHead;
    private readonly byte[] _nextAnswerHead;
    private readonly byte[] _contentTail;
    private readonly byte[] _choiceTail;
    private readonly byte[] _chunkHead;
    private readonly List<FollowUpItem> _followUps = [];
    private byte[]? _reasoningHead;
    private Cursor _at;
    private int _calls;
    private bool _restarted;

    /// <param name="ids">What all chunks share.</param>
    /// <param name="includeUsage">Whether a chunk with token counts is wanted.</param>
    /// <param name="after">Where this response begins.</param>
    /// <param name="before">The parts before <paramref name="after"/>, as far as they matter behind it.</param>
    public ChatStream(CompletionIds ids, bool includeUsage, Cursor after = default, IReadOnlyList<ReplyPart>? before = null)
    {
        (_ids, _includeUsage, _at, _fromStart) = (ids, includeUsage, after, after == Cursor.Start);
        var model = JsonEncodedText.Encode(ids.Model, ErrorRenderer.Json.Encoder);
        var head = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"id":"{{ids.Completion}}","object":"chat.completion.chunk","created":{{ids.Created}},"model":"{{model}}","choices":""");
        var usage = includeUsage ? ",\"usage\":null" : "";
        _chunkHead = Encoding.UTF8.GetBytes(head);
        _contentHead = Encoding.UTF8.GetBytes(head + """[{"index":0,"delta":{"content":" """.TrimEnd());
        _nextAnswerHead = [.. _contentHead, .. "\\n\\n"u8];
        _contentTail = Encoding.UTF8.GetBytes("\"},\"finish_reason\":null}]" + usage + "}");
        _choiceTail = Encoding.UTF8.GetBytes(",\"finish_reason\":null}]" + usage);
        _restarted = after is { Offset: 0, Revision: > 0 };
        Remember(after, before ?? []);
    }

    public void Open(SseWriter writer)
    {
        if (!_fromStart) return;
        writer.Begin(null);
        writer.Raw(_chunkHead);
        writer.Raw("""[{"index":0,"delta":{"role":"assistant","content":""}"""u8);
        writer.Raw(_choiceTail);
        writer.Raw("}"u8);
        writer.End();
    }

    public void Render(SseWriter writer, ReplyBatch batch)
    {
        // Not foreach: its enumerator would be boxed.
        for (var i = 0; i < batch.Events.Count; i++)
        {
            var happened = batch.Events[i];
            _at = ReplyPosition.Behind(_at, happened, batch);
            Render(writer, happened);
        }
        _at = batch.Next;
    }

    private void Render(SseWriter writer, ReplyEvent happened)
    {
        switch (happened)
        {
            case ReplyText text:
                writer.Text(_at, text is { Answer: > 0, Offset: 0 } && !_restarted ? _nextAnswerHead : _contentHead, text.Text.Span, _contentTail);
                _restarted = false;
                break;
            case ReplyReasoning reasoning:
                _reasoningHead ??= [.. _chunkHead, .. """[{"index":0,"delta":{"reasoning_content":" """u8.TrimEnd((byte)' ')];
                writer.Text(_at, _reasoningHead, reasoning.Text.Span, _contentTail);
                break;
            case ReplyRewritten rewritten:
                Rewritten(writer, rewritten);
                break;
            case ReplyItemAdded added:
                Item(writer, added);
                break;
            case ReplyCompleted completed:
                Finish(writer, completed);
                break;
            case ReplyFailed failed:
                Fail(writer, failed.Error);
                break;
        }
    }

    private static void Fail(SseWriter writer, Error error)
    {
        writer.Begin(null);
        var json = writer.Json();
        ErrorRenderer.WriteBody(json, error);
        json.Flush();
        writer.End();
    }

    private void Rewritten(SseWriter writer, ReplyRewritten rewritten)
    {
        // The blank line before an answer was told with its first text and still stands.
        _restarted = rewritten.Offset == 0;
        var json = BeginEmpty(writer);
        json.WriteStartObject();
        json.WriteStartObject("rewritten"u8);
        json.WriteNumber("part"u8, rewritten.Part);
        json.WriteNumber("offset"u8, rewritten.Offset);
        json.WriteEndObject();
        json.WriteEndObject();
        EndEmpty(writer, json);
    }

    private void Item(SseWriter writer, ReplyItemAdded added)
    {
        switch (added.Item)
        {
            case ImageItem image:
                writer.Text(_at, _contentHead, Markdown.Image(image, added.Part), _contentTail);
                break;
            case FollowUpItem followUp:
                _followUps.Add(followUp);
                break;
            case ToolCallItem { ForClient: true } call:
                ToolCall(writer, call);
                break;
            default:
                var json = BeginEmpty(writer);
                json.WriteStartObject();
                json.WriteStartArray("events"u8);
                ExtensionJson.WriteEvent(json, added.Item);
                json.WriteEndArray();
                json.WriteEndObject();
                EndEmpty(writer, json);
                break;
        }
    }

    /// <summary>One chunk for the whole call: cut in two, a stream resumed between them could not be exact.</summary>
    private void ToolCall(SseWriter writer, ToolCallItem call)
    {
        writer.Begin(_at);
        writer.Raw(_chunkHead);
        writer.Raw("""[{"index":0,"delta":{"tool_calls":["""u8);
        var json = writer.Json();
        json.WriteStartObject();
        json.WriteNumber("index"u8, _calls);
        CompletionJson.WriteCall(json, _ids, call, _calls++);
        json.WriteEndObject();
        json.Flush();
        writer.Raw("]}"u8);
        writer.Raw(_choiceTail);
        writer.Raw("}"u8);
        writer.End();
    }

    private void Finish(SseWriter writer, ReplyCompleted completed)
    {
        writer.Begin(null);
        writer.Raw(_chunkHead);
        writer.Raw("""[{"index":0,"delta":{},"finish_reason":" """u8.TrimEnd((byte)' '));
        writer.Raw(FinishReasons.Of(completed.Reason));
        writer.Raw("\"}]"u8);
        if (_includeUsage) writer.Raw(",\"usage\":null"u8);
        writer.Raw(","u8);
        var json = writer.Json();
        ExtensionJson.Write(json, _ids, completed.Origin, _followUps, null);
        json.Flush();
        writer.Raw("}"u8);
        writer.End();
        if (_includeUsage)
        {
            writer.Begin(null);
            writer.Raw(_chunkHead);
            writer.Raw("[],"u8);
            json = writer.Json();
            CompletionJson.WriteUsage(json, completed.Usage);
            json.Flush();
            writer.Raw("}"u8);
            writer.End();
        }
        writer.Data(null, "[DONE]"u8);
    }

    private Utf8JsonWriter BeginEmpty(SseWriter writer)
    {
        writer.Begin(_at);
        writer.Raw(_chunkHead);
        writer.Raw("""[{"index":0,"delta":{}"""u8);
        writer.Raw(_choiceTail);
        writer.Raw(",\"cozecluster\":"u8);
        return writer.Json();
    }

    private static void EndEmpty(SseWriter writer, Utf8JsonWriter json)
    {
        json.Flush();
        writer.Raw("}"u8);
        writer.End();
    }

    /// <summary>What follows depends on what came before: how many calls were told, and what the end has to repeat.</summary>
    private void Remember(Cursor after, IReadOnlyList<ReplyPart> before)
    {
        for (var i = 0; i < before.Count && (i < after.Part || (i == after.Part && after.Offset > 0)); i++)
        {
            if (before[i] is not ItemPart part) continue;
            if (part.Item is ToolCallItem { ForClient: true }) _calls++;
            if (part.Item is FollowUpItem followUp) _followUps.Add(followUp);
        }
    }
}
