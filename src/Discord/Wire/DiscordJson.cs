using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Discord;

/// <summary>The JSON that Discord sends and receives: snake case, without fields that are null.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(TextConverter)])]
[JsonSerializable(typeof(DiscordGatewayBot))]
[JsonSerializable(typeof(DiscordUser))]
[JsonSerializable(typeof(DiscordGuild))]
[JsonSerializable(typeof(DiscordApplication))]
[JsonSerializable(typeof(DiscordMember))]
[JsonSerializable(typeof(IReadOnlyList<OwnGuild>))]
[JsonSerializable(typeof(DiscordChannel))]
[JsonSerializable(typeof(DiscordMessage))]
[JsonSerializable(typeof(IReadOnlyList<DiscordChannel>))]
[JsonSerializable(typeof(IReadOnlyList<DiscordMessage>))]
[JsonSerializable(typeof(ActiveThreads))]
[JsonSerializable(typeof(NewChannel))]
[JsonSerializable(typeof(ChannelChange))]
[JsonSerializable(typeof(NewThread))]
[JsonSerializable(typeof(NewMessage))]
[JsonSerializable(typeof(ReadyData))]
[JsonSerializable(typeof(GuildData))]
[JsonSerializable(typeof(DeletedData))]
[JsonSerializable(typeof(TypingData))]
[JsonSerializable(typeof(HelloData))]
internal sealed partial class DiscordJson : JsonSerializerContext;

/// <summary>
/// Reads text as Discord sent it. The base library would reject a text that was cut between the halves of a surrogate pair, and the message with it
/// (see <see cref="JsonText"/>).
/// </summary>
internal sealed class TextConverter : JsonConverter<string>
{
    public override string Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String ? new JsonText(reader.ValueSpan, reader.ValueIsEscaped).ToString() : throw new JsonException();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}

/// <summary>Reads nonces, which are text or numbers as their sender chose.</summary>
internal sealed class NonceConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String) return reader.GetString();
        if (reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number)) return number.ToString(CultureInfo.InvariantCulture);
        reader.Skip();
        return null;
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
