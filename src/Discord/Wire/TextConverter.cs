using System.Text.Json;
using System.Text.Json.Serialization;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Discord;

/// <summary>Text as it came: one that was cut between the halves of a surrogate pair is no reason to refuse the message (see <see cref="JsonText"/>).</summary>
internal sealed class TextConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? new JsonText(reader.ValueSpan, reader.ValueIsEscaped).ToString() : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
