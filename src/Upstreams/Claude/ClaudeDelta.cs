using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// The fields of a <c>content_block_delta</c> that replies need. Each text is a slice of the received JSON: reading a delta allocates nothing.
/// </summary>
internal ref struct ClaudeDelta
{
    /// <summary>The name of the event.</summary>
    public JsonText Event;

    /// <summary>The block that the delta belongs to; -1 if it is missing.</summary>
    public int Index;

    /// <summary>The kind of the delta (<c>text_delta</c>).</summary>
    public JsonText Type;

    /// <summary>The new part: the text, the thinking, or the JSON of a tool's input.</summary>
    public JsonText Content;

    /// <summary>Reads an event.</summary>
    /// <returns>False if <paramref name="json"/> is JSON, but not an object.</returns>
    /// <exception cref="JsonException"><paramref name="json"/> is not JSON, or is incomplete.</exception>
    public static bool TryRead(ReadOnlySpan<byte> json, out ClaudeDelta delta)
    {
        try
        {
            return TryReadObject(json, out delta);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("A name has half of a surrogate pair.", e);
        }
    }

    private static bool TryReadObject(ReadOnlySpan<byte> json, out ClaudeDelta delta)
    {
        delta = new ClaudeDelta { Index = -1 };
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isDelta = reader.ValueTextEquals("delta"u8);
            var isType = reader.ValueTextEquals("type"u8);
            var isIndex = reader.ValueTextEquals("index"u8);
            reader.Read();
            if (isDelta && reader.TokenType == JsonTokenType.StartObject)
            {
                ReadDelta(ref reader, json, out delta.Type, out delta.Content);
                continue;
            }
            if (isIndex && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out var index)) delta.Index = index;
            var value = JsonText.Read(ref reader, json);
            if (isType) delta.Event = value;
        }
        return true;
    }

    private static void ReadDelta(scoped ref Utf8JsonReader reader, ReadOnlySpan<byte> json, out JsonText type, out JsonText content)
    {
        type = content = default;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isContent = reader.ValueTextEquals("text"u8) || reader.ValueTextEquals("thinking"u8) || reader.ValueTextEquals("partial_json"u8);
            reader.Read();
            var isString = reader.TokenType == JsonTokenType.String;
            var value = JsonText.Read(ref reader, json);
            if (isType) type = value;
            else if (isContent && isString) content = value;
        }
    }
}
