using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>Nonces come as text or number, as their sender chose.</summary>
internal sealed class NonceConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number)) return number.ToString(System.Globalization.CultureInfo.InvariantCulture);
        reader.Skip();
        return null;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
