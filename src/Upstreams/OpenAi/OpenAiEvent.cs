using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>One event of a response's stream. Only what has a meaning for the reply is read. The texts are spans of the event.</summary>
internal ref struct OpenAiEvent
{
    /// <summary>What has happened.</summary>
    public JsonText Type { get; private set; }

    /// <summary>The number of the event, from 0; null without one, as some servers send them.</summary>
    public long? Number { get; private set; }

    /// <summary>The place of the event's item in the output.</summary>
    public long OutputIndex { get; private set; }

    /// <summary>The place of the event's part in the item.</summary>
    public long PartIndex { get; private set; }

    /// <summary>More of a text.</summary>
    public JsonText Delta { get; private set; }

    /// <summary>A whole text.</summary>
    public JsonText Text { get; private set; }

    /// <summary>The JSON of <c>response</c>; empty without any.</summary>
    public ReadOnlySpan<byte> Response { get; private set; }

    /// <summary>The JSON of <c>item</c>; empty without any.</summary>
    public ReadOnlySpan<byte> Item { get; private set; }

    /// <summary>Whether the event is no event but a whole response.</summary>
    public bool IsResponse { get; private set; }

    /// <summary>Whether the event is an error without a type, as some servers send it.</summary>
    public bool HasError { get; private set; }

    /// <summary>Reads an event.</summary>
    /// <exception cref="JsonException">It is not a JSON object of this kind.</exception>
    public static OpenAiEvent Read(ReadOnlySpan<byte> json)
    {
        try
        {
            return ReadObject(json);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("A name has half of a surrogate pair.", e);
        }
    }

    private static OpenAiEvent ReadObject(ReadOnlySpan<byte> json)
    {
        var read = default(OpenAiEvent);
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("An event must be an object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8)) read.Type = ReadString(ref reader);
            else if (reader.ValueTextEquals("delta"u8)) read.Delta = ReadString(ref reader);
            else if (reader.ValueTextEquals("sequence_number"u8)) read.Number = ReadNumber(ref reader);
            else if (reader.ValueTextEquals("output_index"u8)) read.OutputIndex = ReadNumber(ref reader) ?? 0;
            else if (reader.ValueTextEquals("content_index"u8) || reader.ValueTextEquals("summary_index"u8)) read.PartIndex = ReadNumber(ref reader) ?? 0;
            else if (reader.ValueTextEquals("text"u8)) read.Text = ReadString(ref reader);
            else if (reader.ValueTextEquals("response"u8)) read.Response = ReadRaw(ref reader, json);
            else if (reader.ValueTextEquals("item"u8)) read.Item = ReadRaw(ref reader, json);
            else if (reader.ValueTextEquals("object"u8)) read.IsResponse = ReadString(ref reader).Is("response"u8);
            else if (reader.ValueTextEquals("error"u8)) read.HasError = !ReadRaw(ref reader, json).IsEmpty;
            else SkipValue(ref reader);
        }
        return read;
    }

    private static JsonText ReadString(scoped ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return new JsonText(reader.ValueSpan, reader.ValueIsEscaped);
        reader.Skip();
        return default;
    }

    private static long? ReadNumber(scoped ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number)) return number;
        reader.Skip();
        return null;
    }

    private static ReadOnlySpan<byte> ReadRaw(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var isObject = reader.TokenType == JsonTokenType.StartObject;
        reader.Skip();
        return isObject ? json[start..(int)reader.BytesConsumed] : default;
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
