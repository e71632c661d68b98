using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>
/// Pins how every message is written. <c>wire.json</c> holds one of each, a line per type; names in it are stored and travel between nodes of different versions:
/// add, never rename. To take over additions, run with <c>COZECLUSTER_UPDATE_WIRE=1</c> and read the diff.
/// </summary>
public sealed class WireTests
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public void Messages_are_written_as_wire_json_shows()
    {
        var actual = Describe();
        if (Environment.GetEnvironmentVariable("COZECLUSTER_UPDATE_WIRE") == "1")
        {
            File.WriteAllText(SourceFile(), actual);
            return;
        }

        var expected = File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Messages", "wire.json"));

        Assert.Equal(expected, actual.TrimEnd('\n').Split('\n'));
    }

    private static string Describe()
    {
        var lines = Samples.MessageTypes.Select(type => (type.Name, Json: Outline(type)))
            .Concat(Samples.Enums.Select(type => (type.Name, Json: (JsonNode)new JsonArray([.. Enum.GetNames(type).Select(name => JsonValue.Create(name))]))))
            .Select(entry => $"  \"{entry.Name}\": {entry.Json.ToJsonString(Readable)}");
        return new StringBuilder("{\n").AppendJoin(",\n", lines).Append("\n}\n").ToString();
    }

    /// <summary>The message, with messages inside it told by name: each has its own line.</summary>
    private static JsonNode Outline(Type type)
    {
        var json = JsonSerializer.SerializeToNode(Samples.Full(type), MessagesJsonTests.Json(type))!;
        foreach (var property in json is JsonObject ? type.GetProperties() : [])
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (json[name] is JsonObject && property.PropertyType.Namespace == type.Namespace) json[name] = $"<{property.PropertyType.Name}>";
            else if (json[name] is JsonArray and [JsonObject, ..]) json[name] = new JsonArray($"<{property.PropertyType.GenericTypeArguments[0].Name}>");
        }
        return json;
    }

    private static string SourceFile()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "CozeCluster.sln"))) folder = folder.Parent;
        return Path.Combine(folder!.FullName, "tests", "Grains.Abstractions.Tests", "Messages", "wire.json");
    }
}
