using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>One chunk of a streamed chat completion. Only what has a meaning for the reply is read. The texts are spans of the chunk.</summary>
internal ref struct OpenAiChunk
{
    /// <summary>The completion's id.</summary>
    public JsonText Id { get; private set; }

    /// <summary>The model that answers, as the server names it.</summary>
    public JsonText Model { get; private set; }

    /// <summary>More of the answer.</summary>
    public JsonText Content { get; private set; }

    /// <summary>More of the answer and the reasoning as JSON, from servers that send parts; empty otherwise.</summary>
    public ReadOnlySpan<byte> ContentParts { get; private set; }

    /// <summary>More of the reasoning, under any of the names that servers use.</summary>
    public JsonText Reasoning { get; private set; }

    /// <summary>More of a refusal to answer.</summary>
    public JsonText Refusal { get; private set; }

    /// <summary>Why the reply ends; empty until it does.</summary>
    public JsonText FinishReason { get; private set; }

    /// <summary>The JSON of <c>tool_calls</c>; empty without any.</summary>
    public ReadOnlySpan<byte> ToolCalls { get; private set; }

    /// <summary>The JSON of <c>usage</c>; empty without any.</summary>
    public ReadOnlySpan<byte> Usage { get; private set; }

    /// <summary>Whether the chunk is an error.</summary>
    public bool IsError { get; private set; }

    /// <summary>Reads a chunk.</summary>
    /// <exception cref="JsonException">It is not a JSON object of this kind.</exception>
    public static OpenAiChunk Read(ReadOnlySpan<byte> json)
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

    private static OpenAiChunk ReadObject(ReadOnlySpan<byte> json)
    {
        var chunk = default(OpenAiChunk);
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("A chunk must be an object.");
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("choices"u8)) chunk.ReadChoices(ref reader, json);
            else if (reader.ValueTextEquals("usage"u8)) chunk.Usage = ReadRaw(ref reader, json, JsonTokenType.StartObject);
            else if (reader.ValueTextEquals("id"u8)) chunk.Id = ReadText(ref reader, json);
            else if (reader.ValueTextEquals("model"u8)) chunk.Model = ReadText(ref reader, json);
            else if (reader.ValueTextEquals("error"u8)) chunk.IsError = ReadIsSet(ref reader);
            else SkipValue(ref reader);
        }
        return chunk;
    }

    private void ReadChoices(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return;
        }
        // One choice is asked for.
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                reader.Skip();
                continue;
            }
            var before = this;
            var isOther = false;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                // Some servers send the last chunk, or all of a reply that they do not stream, as a message.
                if (reader.ValueTextEquals("delta"u8) || reader.ValueTextEquals("message"u8)) ReadDelta(ref reader, json);
                else if (reader.ValueTextEquals("finish_reason"u8)) FinishReason = ReadText(ref reader, json);
                else if (reader.ValueTextEquals("index"u8)) isOther = ReadIsPositive(ref reader);
                else SkipValue(ref reader);
            }
            if (isOther) this = before;
        }
    }

    private void ReadDelta(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8)) ReadContent(ref reader, json);
            // Some servers use both names, and leave one of them empty.
            else if ((reader.ValueTextEquals("reasoning_content"u8) || reader.ValueTextEquals("reasoning"u8)) && Reasoning.IsEmpty)
                Reasoning = ReadString(ref reader);
            else if (reader.ValueTextEquals("refusal"u8)) Refusal = ReadString(ref reader);
            else if (reader.ValueTextEquals("tool_calls"u8)) ToolCalls = ReadRaw(ref reader, json, JsonTokenType.StartArray);
            else SkipValue(ref reader);
        }
    }

    private void ReadContent(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String)
        {
            Content = new JsonText(reader.ValueSpan, reader.ValueIsEscaped);
            return;
        }
        var start = (int)reader.TokenStartIndex;
        var isArray = reader.TokenType == JsonTokenType.StartArray;
        reader.Skip();
        if (isArray) ContentParts = json[start..(int)reader.BytesConsumed];
    }

    private static bool ReadIsPositive(ref Utf8JsonReader reader)
    {
        reader.Read();
        var isPositive = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) && number > 0;
        reader.Skip();
        return isPositive;
    }

    private static JsonText ReadText(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        reader.Read();
        return JsonText.Read(ref reader, json);
    }

    private static JsonText ReadString(scoped ref Utf8JsonReader reader)
    {
        reader.Read();
        if (reader.TokenType == JsonTokenType.String) return new JsonText(reader.ValueSpan, reader.ValueIsEscaped);
        reader.Skip();
        return default;
    }

    private static ReadOnlySpan<byte> ReadRaw(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json, JsonTokenType expected)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        var isExpected = reader.TokenType == expected;
        reader.Skip();
        return isExpected ? json[start..(int)reader.BytesConsumed] : default;
    }

    private static bool ReadIsSet(ref Utf8JsonReader reader)
    {
        reader.Read();
        var isSet = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.String;
        reader.Skip();
        return isSet;
    }

    private static void SkipValue(ref Utf8JsonReader reader)
    {
        reader.Read();
        reader.Skip();
    }
}
