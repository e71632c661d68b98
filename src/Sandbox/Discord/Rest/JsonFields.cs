using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Reads fields of a request body; a field of the wrong type is a 50035 that names it. Null and absent are the same here.</summary>
internal static class JsonFields
{
    public static string? Text(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String => value.GetValue<string>(),
        _ => throw DiscordError.WrongType(field, "string"),
    };

    public static int? Number(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<int>(out var number) => number,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && int.TryParse(value.GetValue<string>(), out var number) => number,
        _ => throw DiscordError.InvalidForm(field, "NUMBER_TYPE_COERCE", "Value is not int."),
    };

    public static bool? Flag(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() is JsonValueKind.True or JsonValueKind.False => value.GetValue<bool>(),
        _ => throw DiscordError.WrongType(field, "bool"),
    };

    public static ulong? Id(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonValue value when value.GetValueKind() == JsonValueKind.String && ulong.TryParse(value.GetValue<string>(), out var id) => id,
        JsonValue value when value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<ulong>(out var id) => id,
        _ => throw DiscordError.InvalidForm(field, "NUMBER_TYPE_COERCE", "Value is not snowflake."),
    };

    public static JsonArray? List(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonArray list => list,
        _ => throw DiscordError.InvalidForm(field, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"),
    };

    public static JsonObject? Object(this JsonObject body, string field) => body[field] switch
    {
        null => null,
        JsonObject value => value,
        _ => throw DiscordError.InvalidForm(field, "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType"),
    };
}
