using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Writes values in Discord's form: ids and permissions as decimal strings, times as ISO 8601.</summary>
internal static class DiscordJson
{
    private static readonly JsonWriterOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Serializes a node without unnecessary escapes.</summary>
    public static byte[] Bytes(JsonNode? node)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Relaxed))
        {
            if (node is null) writer.WriteNullValue();
            else node.WriteTo(writer);
        }
        return buffer.WrittenSpan.ToArray();
    }

    public static JsonNode? Id(ulong? id) => id is { } value ? value.ToString() : null;

    public static JsonNode? Time(DateTimeOffset? time) => time is { } value ? value.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffffzzz") : null;

    public static JsonArray Array(IEnumerable<JsonNode?> nodes) => [.. nodes];

    /// <summary>A copy, which can be added to another parent node.</summary>
    public static JsonNode Copy(this JsonNode node) => node.DeepClone();
}

/// <summary>Reads fields of a request body. A missing field and null both give null. A field of the wrong type gives a 50035 that names it.</summary>
internal static class JsonFields
{
    public static string? Text(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        _ => throw RestException.WrongType(field, "string"),
    };

    public static int? Number(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out var number) => number,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && int.TryParse(value.GetValue<string>(), out var number) => number,
        _ => throw RestException.InvalidForm(field, "NUMBER_TYPE_COERCE", "Value is not int."),
    };

    public static bool? Flag(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False => value.GetValue<bool>(),
        _ => throw RestException.WrongType(field, "bool"),
    };

    public static ulong? Id(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && ulong.TryParse(value.GetValue<string>(), out var id) => id,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<ulong>(out var id) => id,
        _ => throw RestException.InvalidForm(field, "NUMBER_TYPE_COERCE", "Value is not snowflake."),
    };

    public static JsonArray? List(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonArray list => list,
        _ => throw RestException.InvalidForm(field, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"),
    };

    public static JsonObject? Object(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonObject value => value,
        _ => throw RestException.NotAnObject(field),
    };
}
