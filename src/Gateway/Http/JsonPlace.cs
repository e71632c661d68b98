using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Gateway.Http;

/// <summary>A place in a request body, named only when something is wrong there: <c>messages[2].content[0].image_url.url</c>.</summary>
internal sealed class JsonPlace
{
    private readonly JsonPlace? _parent;
    private readonly string? _name;
    private readonly int _index;

    private JsonPlace(JsonPlace? parent, string? name, int index) => (_parent, _name, _index) = (parent, name, index);

    public static JsonPlace Root { get; } = new(null, null, 0);

    public JsonPlace this[string name] => new(this, name, 0);

    public JsonPlace this[int index] => new(this, null, index);

    public ClusterException Wrong(string message) => new(ErrorCode.InvalidRequest, message, ToString());

    public ClusterException Missing() => Wrong($"Missing required parameter: '{this}'.");

    public ClusterException Mistyped(string expected, JsonElement got) =>
        Wrong($"Invalid type for '{this}': expected {expected}, but got {KindOf(got)} instead.");

    public override string ToString()
    {
        if (_parent is null) return "";
        var path = _parent.ToString();
        return _name is null ? $"{path}[{_index}]" : path.Length == 0 ? _name : $"{path}.{_name}";
    }

    private static string KindOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };
}

/// <summary>Reads values of a request body, or says where and why not.</summary>
internal static class JsonInput
{
    public static string String(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind != JsonValueKind.String) throw at.Mistyped("a string", value);
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw at.Wrong($"Invalid text in '{at}': it is not valid Unicode (a half of a surrogate pair, or broken UTF-8).");
        }
    }

    public static string String(JsonElement value, JsonPlace at, int min, int max)
    {
        var text = String(value, at);
        if (text.Length < min || text.Length > max) throw at.Wrong($"Invalid '{at}': expected {min} to {max} characters, but got {text.Length}.");
        return text;
    }

    public static bool Boolean(JsonElement value, JsonPlace at) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw at.Mistyped("a boolean", value),
    };

    public static long Integer(JsonElement value, JsonPlace at, long min, long max)
    {
        if (value.ValueKind != JsonValueKind.Number || !TryGetWhole(value, out var number)) throw at.Mistyped("an integer", value);
        if (number < min || number > max) throw at.Wrong($"Invalid '{at}': expected an integer from {min} to {max}, but got {number}.");
        return number;
    }

    // Serializers that know one kind of number write 1.0 for 1, and JSON makes no difference between the two.
    private static bool TryGetWhole(JsonElement value, out long number)
    {
        if (value.TryGetInt64(out number)) return true;
        if (!value.TryGetDecimal(out var exact) || exact != decimal.Truncate(exact) || exact is < long.MinValue or > long.MaxValue) return false;
        number = (long)exact;
        return true;
    }

    public static void Number(JsonElement value, JsonPlace at, double min, double max)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number)) throw at.Mistyped("a number", value);
        if (!(number >= min && number <= max)) throw at.Wrong(FormattableString.Invariant($"Invalid '{at}': expected a number from {min} to {max}, but got {number}."));
    }

    public static void Object(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind != JsonValueKind.Object) throw at.Mistyped("an object", value);
    }

    public static void Array(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind != JsonValueKind.Array) throw at.Mistyped("an array", value);
    }

    /// <summary>A required member.</summary>
    public static JsonElement Member(JsonElement value, string name, JsonPlace at) => Find(value, name) ?? throw at[name].Missing();

    /// <summary>A member that may be absent or null.</summary>
    public static JsonElement? Find(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    /// <summary>A map of strings.</summary>
    public static IReadOnlyDictionary<string, string> Strings(JsonElement value, JsonPlace at, int count, int keyLength, int valueLength)
    {
        Object(value, at);
        var map = new Dictionary<string, string>();
        foreach (var pair in value.EnumerateObject())
        {
            if (pair.Name.Length == 0 || pair.Name.Length > keyLength) throw at.Wrong($"Invalid '{at}': keys have 1 to {keyLength} characters.");
            map[pair.Name] = String(pair.Value, at[pair.Name], 0, valueLength);
        }
        if (map.Count > count) throw at.Wrong($"Invalid '{at}': expected at most {count} entries, but got {map.Count}.");
        return map;
    }

    /// <summary>A string as UTF-8, without a copy where it holds no escapes: uploads are megabytes.</summary>
    public static ReadOnlySpan<byte> Utf8(JsonElement value, JsonPlace at)
    {
        if (value.ValueKind != JsonValueKind.String) throw at.Mistyped("a string", value);
        var raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(String(value, at)) : raw;
    }
}
