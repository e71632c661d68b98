using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Upstreams.Shared.Json;

/// <summary>
/// Reads JSON of upstreams without insisting on exact types: ids may be numbers or strings, numbers may be strings, and a missing member is the same as null.
/// </summary>
internal static class LenientJson
{
    /// <summary>Parses a document; returns null if <paramref name="utf8"/> is not JSON. Skips a byte order mark.</summary>
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

    /// <inheritdoc cref="TryParse(ReadOnlySpan{byte})"/>
    public static JsonElement? TryParse(string text) => TryParse(Encoding.UTF8.GetBytes(text));

    /// <summary>Whether a text is one JSON value and nothing else.</summary>
    public static bool IsJson(string text)
    {
        try
        {
            using var _ = JsonDocument.Parse(text);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>Parses a text that is a JSON object of valid Unicode and nothing else, so that it can be written again; null if it is not.</summary>
    public static JsonElement? TryParseObject(string text)
    {
        if (text.AsSpan().TrimStart() is not ['{', ..]) return null;
        try
        {
            using var document = JsonDocument.Parse(text);
            var json = document.RootElement.Clone();
            if (!text.Contains("\\u", StringComparison.Ordinal)) return json;
            // The parser accepts half of a surrogate pair in an escape sequence; the writer does not.
            using var writer = new Utf8JsonWriter(Stream.Null);
            json.WriteTo(writer);
            return json;
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>An object with one text. Halves of surrogate pairs in the text are replaced.</summary>
    public static JsonElement WrapText(string name, string text)
    {
        var buffer = new ArrayBufferWriter<byte>(text.Length + 32);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString(name, text);
            json.WriteEndObject();
        }
        return TryParse(buffer.WrittenSpan)!.Value;
    }

    /// <summary>The member; an undefined element if it is missing or null, or if this is not an object.</summary>
    public static JsonElement GetMember(this JsonElement element, ReadOnlySpan<byte> name)
    {
        if (element.ValueKind != JsonValueKind.Object) return default;
        try
        {
            return element.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? value : default;
        }
        catch (InvalidOperationException)
        {
            // Another name has half of a surrogate pair.
            return default;
        }
    }

    /// <summary>The member as text: the content of a string, anything else as JSON; null if it is missing.</summary>
    public static string? GetText(this JsonElement element, ReadOnlySpan<byte> name) => element.GetMember(name).GetText();

    /// <summary>The element as text; see <see cref="GetText(JsonElement,ReadOnlySpan{byte})"/>.</summary>
    public static string? GetText(this JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.Undefined or JsonValueKind.Null) return null;
        var raw = JsonMarshal.GetRawUtf8Value(element);
        return (element.ValueKind == JsonValueKind.String ? new JsonText(raw[1..^1], isEscaped: true) : new JsonText(raw, isEscaped: false)).ToString();
    }

    /// <summary>The member as a whole number, written as a number or a string, perhaps with a fraction of zero; null if it is neither.</summary>
    public static long? GetNumber(this JsonElement element, ReadOnlySpan<byte> name)
    {
        var value = element.GetMember(name);
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number)) return number;
        return decimal.TryParse(value.GetText(), NumberStyles.Float, CultureInfo.InvariantCulture, out var given)
            && given is >= long.MinValue and <= long.MaxValue && decimal.IsInteger(given)
                ? (long)given
                : null;
    }

    /// <summary>The elements of an array; none if this is not an array.</summary>
    public static IEnumerable<JsonElement> GetItems(this JsonElement element) =>
        element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : [];
}
