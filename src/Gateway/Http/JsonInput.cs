using System.Collections.ObjectModel;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace CozeCluster.Gateway.Http;

/// <summary>Reads values of a request body. An invalid value causes an error that names its path.</summary>
/// <remarks>All methods throw a <see cref="ClusterException"/> with <see cref="ErrorCode.InvalidRequest"/>.</remarks>
internal static class JsonInput
{
    /// <summary>What usually causes text that is not valid Unicode; part of error messages.</summary>
    public const string UnicodeHint = "one half of a surrogate pair, or invalid UTF-8";

    public static string ReadString(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind != JsonValueKind.String) throw path.Mistyped("a string", value);
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw path.Invalid($"Invalid text in '{path}': it is not valid Unicode ({UnicodeHint}).");
        }
    }

    public static string ReadString(JsonElement value, JsonFieldPath path, int min, int max)
    {
        var text = ReadString(value, path);
        if (text.Length < min || text.Length > max) throw path.Invalid($"Invalid '{path}': expected {min} to {max} characters, but got {text.Length}.");
        return text;
    }

    public static bool ReadBoolean(JsonElement value, JsonFieldPath path) => value.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw path.Mistyped("a boolean", value),
    };

    public static long ReadInteger(JsonElement value, JsonFieldPath path, long min, long max)
    {
        if (value.ValueKind != JsonValueKind.Number || !TryGetInteger(value, out var number)) throw path.Mistyped("an integer", value);
        if (number < min || number > max) throw path.Invalid($"Invalid '{path}': expected an integer from {min} to {max}, but got {number}.");
        return number;
    }

    // Serializers with only one number type write 1.0 for 1. In JSON both are the same number.
    private static bool TryGetInteger(JsonElement value, out long number)
    {
        if (value.TryGetInt64(out number)) return true;
        if (!value.TryGetDecimal(out var exact) || exact != decimal.Truncate(exact) || exact is < long.MinValue or > long.MaxValue) return false;
        number = (long)exact;
        return true;
    }

    public static void CheckNumber(JsonElement value, JsonFieldPath path, double min, double max)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number)) throw path.Mistyped("a number", value);
        if (!(number >= min && number <= max))
            throw path.Invalid(FormattableString.Invariant($"Invalid '{path}': expected a number from {min} to {max}, but got {number}."));
    }

    public static void CheckObject(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind != JsonValueKind.Object) throw path.Mistyped("an object", value);
    }

    public static void CheckArray(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind != JsonValueKind.Array) throw path.Mistyped("an array", value);
    }

    /// <summary>Returns a required member.</summary>
    public static JsonElement GetMember(JsonElement value, string name, JsonFieldPath path) => FindMember(value, name) ?? throw path[name].Missing();

    /// <summary>Returns an optional member; null if it is absent or null.</summary>
    public static JsonElement? FindMember(JsonElement value, string name) =>
        value.TryGetProperty(name, out var member) && member.ValueKind != JsonValueKind.Null ? member : null;

    /// <summary>Reads a member that is an object whose values are strings; empty if there is none.</summary>
    /// <param name="parent">The object that may have the member.</param>
    /// <param name="name">The name of the member.</param>
    /// <param name="parentPath">The path of <paramref name="parent"/>.</param>
    /// <param name="maxCount">The maximum number of entries.</param>
    /// <param name="maxKeyLength">The maximum length of a key, in characters.</param>
    /// <param name="maxValueLength">The maximum length of a value, in characters.</param>
    public static IReadOnlyDictionary<string, string> ReadStrings(
        JsonElement parent, string name, JsonFieldPath parentPath, int maxCount, int maxKeyLength, int maxValueLength)
    {
        if (FindMember(parent, name) is not { } value) return ReadOnlyDictionary<string, string>.Empty;
        var path = parentPath[name];
        CheckObject(value, path);
        var map = new Dictionary<string, string>();
        foreach (var pair in value.EnumerateObject())
        {
            if (pair.Name.Length == 0 || pair.Name.Length > maxKeyLength)
                throw path.Invalid($"Invalid '{path}': expected keys of 1 to {maxKeyLength} characters.");
            map[pair.Name] = ReadString(pair.Value, path[pair.Name], 0, maxValueLength);
        }
        if (map.Count > maxCount) throw path.Invalid($"Invalid '{path}': expected at most {maxCount} entries, but got {map.Count}.");
        return map;
    }

    /// <summary>Reads a string as UTF-8. Copies it only if it contains escapes, because uploads can be megabytes long.</summary>
    public static ReadOnlySpan<byte> ReadUtf8(JsonElement value, JsonFieldPath path)
    {
        if (value.ValueKind != JsonValueKind.String) throw path.Mistyped("a string", value);
        var raw = JsonMarshal.GetRawUtf8Value(value)[1..^1];
        return raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(ReadString(value, path)) : raw;
    }
}

/// <summary>The path of a value in a request body: <c>messages[2].content[0].image_url.url</c>. Its text is built only for errors.</summary>
internal sealed class JsonFieldPath
{
    private readonly JsonFieldPath? _parent;
    private readonly string? _name;
    private readonly int _index;

    private JsonFieldPath(JsonFieldPath? parent, string? name, int index) => (_parent, _name, _index) = (parent, name, index);

    public static JsonFieldPath Root { get; } = new(null, null, 0);

    public JsonFieldPath this[string name] => new(this, name, 0);

    public JsonFieldPath this[int index] => new(this, null, index);

    /// <summary>An error about this field.</summary>
    public ClusterException Invalid(string message) => new(ErrorCode.InvalidRequest, message, ToString());

    public ClusterException Missing() => Invalid($"Missing required parameter: '{this}'.");

    public ClusterException Mistyped(string expected, JsonElement actual) =>
        Invalid($"Invalid type for '{this}': expected {expected}, but got {KindOf(actual)} instead.");

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
