using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Sandbox.Coze.Scripts;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>Writes SSE records in one of the forms real servers use.</summary>
internal sealed class SseForm(WireForm wire)
{
    private readonly string _colon = wire.SpaceAfterColon ? ": " : ":";
    private readonly string _newLine = wire.CarriageReturn ? "\r\n" : "\n";

    /// <summary>The JSON context that escapes as the form wants.</summary>
    public CozeJson Json { get; } = wire.AsciiOnly ? CozeJson.Ascii : CozeJson.Wire;

    /// <summary>True when a record is to reach the client in two pieces.</summary>
    public bool Torn { get; } = wire.Torn;

    /// <summary>What stands before the data of an event.</summary>
    public string Head(string name) => $"event{_colon}{name}{_newLine}data{_colon}";

    /// <summary>What stands after the data.</summary>
    public string Tail => _newLine + _newLine;

    public void Write<T>(IBufferWriter<byte> output, string name, T data, JsonTypeInfo<T> type)
    {
        Encoding.UTF8.GetBytes(Head(name), output);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = Json.Options.Encoder, SkipValidation = true }))
            JsonSerializer.Serialize(json, data, type);
        Encoding.UTF8.GetBytes(Tail, output);
    }

    /// <summary>The closing record; nothing when the form has none.</summary>
    public void WriteDone(IBufferWriter<byte> output)
    {
        var data = wire.Done switch
        {
            DoneForm.Quoted => "\"[DONE]\"",
            DoneForm.Bare => "[DONE]",
            DoneForm.Debug => "{\"debug_url\":\"https://sandbox.test/debug\"}",
            _ => null,
        };
        if (data is not null) Encoding.UTF8.GetBytes(Head("done") + data + Tail, output);
    }
}

/// <summary>
/// The delta records of one message. All but the text is encoded once; a record is then three copies, without serialising anything.
/// </summary>
internal sealed class DeltaFrame
{
    private readonly byte[] _head;
    private readonly byte[] _tail;

    public DeltaFrame(SseForm form, CozeChat chat, string messageId, bool reasoning = false)
    {
        // Ids are digits, so nothing here needs escaping.
        _head = Encoding.UTF8.GetBytes(
            $$"""{{form.Head("conversation.message.delta")}}{"id":"{{messageId}}","conversation_id":"{{chat.ConversationId}}","bot_id":"{{chat.BotId}}","chat_id":"{{chat.Id}}","section_id":"{{chat.SectionId}}","role":"assistant","type":"answer",""" +
            (reasoning ? "\"content\":\"\",\"reasoning_content\":\"" : "\"content\":\""));
        _tail = Encoding.UTF8.GetBytes("\",\"content_type\":\"text\"}" + form.Tail);
    }

    public void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> chunk)
    {
        var span = output.GetSpan(_head.Length + chunk.Length + _tail.Length);
        _head.CopyTo(span);
        chunk.CopyTo(span[_head.Length..]);
        _tail.CopyTo(span[(_head.Length + chunk.Length)..]);
        output.Advance(_head.Length + chunk.Length + _tail.Length);
    }
}
