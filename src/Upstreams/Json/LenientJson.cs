using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace CozeCluster.Upstreams.Json;

/// <summary>Reads what far sides send without asking for its exact type: ids come as numbers or text, numbers as text, and a missing field is like null.</summary>
internal static class LenientJson
{
    /// <summary>The document, or null if <paramref name="utf8"/> is not JSON.</summary>
    public static JsonElement? TryParse(ReadOnlySpan<byte> utf8)
    {
        if (utf8.StartsWith("\uFEFF"u8)) utf8 = utf8[3..];
        try
        {
            var reader = new Utf8JsonReader(utf8);
            return JsonElement.ParseValue(ref reader);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>The member, or an undefined element if it is not there, is null, or this is no object.</summary>
    public static JsonElement Member(this JsonElement element, ReadOnlySpan<byte> name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : default;

    /// <summary>The member as text: strings as they are, anything else as JSON; null if it is not there.</summary>
    public static string? Text(this JsonElement element, ReadOnlySpan<byte> name) => element.Member(name).Text();

    /// <summary>The element as text; see <see cref="Text(JsonElement,ReadOnlySpan{byte})"/>.</summary>
    public static string? Text(this JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return null;
        var raw = JsonMarshal.GetRawUtf8Value(element);
        return (element.ValueKind == JsonValueKind.String ? new JsonText(raw[1..^1], isEscaped: true) : new JsonText(raw, isEscaped: false)).ToString();
    }

    /// <summary>The member as a whole number, written as number or text; null if it is neither.</summary>
    public static long? Number(this JsonElement element, ReadOnlySpan<byte> name)
    {
        var value = element.Member(name);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return number;
        return long.TryParse(value.Text(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number) ? number : null;
    }

    /// <summary>The elements of an array; none if this is no array.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element) => element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : [];
}
