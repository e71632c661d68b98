using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>Writes a slice of characters as a JSON string.</summary>
public sealed class TextConverter : JsonConverter<ReadOnlyMemory<char>>
{
    /// <inheritdoc />
    public override ReadOnlyMemory<char> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString().AsMemory();

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<char> value, JsonSerializerOptions options) => writer.WriteStringValue(value.Span);
}
