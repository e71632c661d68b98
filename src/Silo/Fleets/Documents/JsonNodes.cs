using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Silo.Fleets.Documents;

/// <summary>Reads JSON as the YAML reader reads a file, so that the same sections and checks apply.</summary>
internal static class JsonNodes
{
    /// <summary>Converts a JSON value. Positions are not known.</summary>
    public static YamlNode Convert(JsonNode? json) => json switch
    {
        JsonObject map => new YamlMap(0, 0, [.. map.Select(member => (Text(member.Key), Convert(member.Value)))]),
        JsonArray list => new YamlList(0, 0, [.. list.Select(Convert)]),
        null => new YamlScalar(0, 0, "null", plain: true),
        _ => Text(json.GetValueKind() == JsonValueKind.String ? json.GetValue<string>() : json.ToJsonString()),
    };

    /// <summary>Changes the members of an object as a merge patch says (RFC 7396).</summary>
    public static JsonNode? Merge(JsonNode? target, JsonNode? patch)
    {
        if (patch is not JsonObject changes) return patch?.DeepClone();
        var merged = target as JsonObject ?? [];
        foreach (var (name, change) in changes)
        {
            if (change is null) merged.Remove(name);
            else merged[name] = Merge(merged[name]?.DeepClone(), change);
        }
        return merged;
    }

    private static YamlScalar Text(string text) => new(0, 0, text, plain: false);
}
