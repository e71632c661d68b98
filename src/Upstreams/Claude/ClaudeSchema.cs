using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Claude;

/// <summary>
/// Which JSON schemas Claude can follow exactly: only closed objects, no recursion, and no limits of numbers, lengths and counts. It refuses a request with any
/// other schema where exactness is asked for.
/// </summary>
internal static class ClaudeSchema
{
    private const int MaxDepth = 32;
    private const int MaxNodes = 2_000;

    private static readonly HashSet<string> Unsupported = new(StringComparer.Ordinal)
    {
        "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems", "uniqueItems", "contains",
        "prefixItems", "patternProperties", "propertyNames", "minProperties", "maxProperties", "oneOf", "not", "if", "then", "else",
        "dependentRequired", "dependentSchemas", "unevaluatedProperties", "unevaluatedItems",
    };

    /// <summary>Whether Claude can follow a schema exactly. Its root must be an object.</summary>
    public static bool IsExact(JsonElement schema)
    {
        var nodes = 0;
        try
        {
            return schema.GetText("type"u8) == "object" && IsExact(schema, schema, [], ref nodes);
        }
        catch (InvalidOperationException)
        {
            // A name has half of a surrogate pair.
            return false;
        }
    }

    private static bool IsExact(JsonElement schema, JsonElement root, List<string> references, ref int nodes)
    {
        if (schema.ValueKind != JsonValueKind.Object || ++nodes > MaxNodes || references.Count > MaxDepth) return false;
        foreach (var member in schema.EnumerateObject())
        {
            if (Unsupported.Contains(member.Name)) return false;
            var value = member.Value;
            var isExact = member.Name switch
            {
                "minItems" => value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var count) && count is 0 or 1,
                "additionalProperties" => value.ValueKind == JsonValueKind.False,
                "items" => IsExact(value, root, references, ref nodes),
                "$ref" => IsExactReference(value.GetText() ?? "", root, references, ref nodes),
                "anyOf" or "allOf" => AreExact(value.GetItems(), root, references, ref nodes),
                "properties" => value.ValueKind == JsonValueKind.Object
                    && AreExact(value.EnumerateObject().Select(property => property.Value), root, references, ref nodes),
                _ => true,
            };
            if (!isExact) return false;
        }
        var isObject = schema.TryGetProperty("properties"u8, out _) || schema.GetText("type"u8) is "object";
        return !isObject || schema.TryGetProperty("additionalProperties"u8, out _);
    }

    private static bool AreExact(IEnumerable<JsonElement> schemas, JsonElement root, List<string> references, ref int nodes)
    {
        foreach (var schema in schemas)
        {
            if (!IsExact(schema, root, references, ref nodes)) return false;
        }
        return true;
    }

    private static bool IsExactReference(string reference, JsonElement root, List<string> references, ref int nodes)
    {
        if (references.Contains(reference)) return false;
        var path = reference.Split('/');
        if (path is not ["#", "$defs" or "definitions", _]) return false;
        if (!root.TryGetProperty(path[1], out var definitions) || definitions.ValueKind != JsonValueKind.Object) return false;
        if (!definitions.TryGetProperty(path[2], out var target)) return false;
        references.Add(reference);
        var isExact = IsExact(target, root, references, ref nodes);
        references.RemoveAt(references.Count - 1);
        return isExact;
    }
}
