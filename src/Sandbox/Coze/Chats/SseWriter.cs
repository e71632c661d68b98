using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Sandbox.Coze;

/// <summary>Writes SSE records in one of the forms that real servers use.</summary>
internal sealed class SseWriter(WireFormat format)
{
    private readonly string _colon = format.SpaceAfterColon ? ": " : ":";
    private readonly string _newLine = format.CarriageReturn ? "\r\n" : "\n";

    /// <summary>The JSON context with the escaping that the format wants.</summary>
    public CozeJson Json { get; } = format.AsciiOnly ? CozeJson.Ascii : CozeJson.Utf8;

    /// <summary>True when each record is to reach the client in two pieces.</summary>
    public bool IsTorn { get; } = format.Torn;

    /// <summary>The text before the data of an event.</summary>
    public string GetPrefix(string name) => $"event{_colon}{name}{_newLine}data{_colon}";

    /// <summary>The text after the data.</summary>
    public string Suffix => _newLine + _newLine;

    public void Write<T>(IBufferWriter<byte> output, string name, T data, JsonTypeInfo<T> type)
    {
        Encoding.UTF8.GetBytes(GetPrefix(name), output);
        using (var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = Json.Options.Encoder, SkipValidation = true }))
            JsonSerializer.Serialize(json, data, type);
        Encoding.UTF8.GetBytes(Suffix, output);
    }

    /// <summary>Writes the closing record, unless the format has none.</summary>
    public void WriteDone(IBufferWriter<byte> output)
    {
        var data = format.Done switch
        {
            DoneFormat.Quoted => "\"[DONE]\"",
            DoneFormat.Bare => "[DONE]",
            DoneFormat.Debug => "{\"debug_url\":\"https://sandbox.test/debug\"}",
            _ => null,
        };
        if (data is not null) Encoding.UTF8.GetBytes(GetPrefix("done") + data + Suffix, output);
    }
}

/// <summary>
/// The delta records of one message. Everything except the text is encoded once, so writing a record copies bytes and serializes nothing.
/// </summary>
internal sealed class DeltaTemplate
{
    private readonly byte[] _head;
    private readonly byte[] _tail;

    public DeltaTemplate(SseWriter writer, CozeChat chat, string messageId, bool isReasoning = false)
    {
        // Ids consist of digits, so they need no escaping.
        var ids = $$"""
            "id":"{{messageId}}","conversation_id":"{{chat.ConversationId}}","bot_id":"{{chat.BotId}}","chat_id":"{{chat.Id}}","section_id":"{{chat.SectionId}}"
            """;
        _head = Encoding.UTF8.GetBytes(
            $$"""{{writer.GetPrefix("conversation.message.delta")}}{{{ids}},"role":"assistant","type":"answer",""" +
            (isReasoning ? "\"content\":\"\",\"reasoning_content\":\"" : "\"content\":\""));
        _tail = Encoding.UTF8.GetBytes("\",\"content_type\":\"text\"}" + writer.Suffix);
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
