using System.Globalization;
using System.Text.Json;

namespace CozeCluster.Client;

/// <summary>Reads members of JSON objects that may be missing or of another type.</summary>
internal static class JsonMembers
{
    public static JsonElement Member(this JsonElement value, string name) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty(name, out var member) ? member : default;

    /// <summary>A text, or a number as text; null if there is neither.</summary>
    public static string? Text(this JsonElement value, string name) => value.Member(name) switch
    {
        { ValueKind: JsonValueKind.String } text => text.GetString(),
        { ValueKind: JsonValueKind.Number } number => number.GetRawText(),
        _ => null,
    };

    /// <summary>A whole number, also in a text; null if there is none.</summary>
    public static int? Number(this JsonElement value, string name) =>
        int.TryParse(value.Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Parses a text; an undefined value if it is not JSON.</summary>
    public static JsonElement Parse(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return default;
        }
    }
}
