using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains.Tests.States;

/// <summary>
/// Tests the stored form of every state. <c>states.json</c> contains one of each, as an earlier version may have stored it. Renamed properties would be lost:
/// add new ones, change nothing. The form of messages inside states is tested with <c>stored.json</c>.
/// </summary>
public sealed class StoredStatesTests
{
    private static readonly JsonObject Stored = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "States", "states.json")))!.AsObject();

    private static readonly Dictionary<string, JsonTypeInfo> States = StateAssembly.Value.GetTypes()
        .SelectMany(type => type.GetConstructors())
        .SelectMany(constructor => constructor.GetParameters())
        .Where(parameter => parameter.IsDefined(typeof(PersistentStateAttribute)))
        .ToDictionary(
            parameter => parameter.GetCustomAttribute<PersistentStateAttribute>()!.StateName,
            parameter => StateAssembly.Types.GetTypeInfo(parameter.ParameterType.GenericTypeArguments[0])!);

    public static TheoryData<string> Names => [.. States.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_stored_state_survives_a_round_trip(string name)
    {
        var json = States[name];

        var read = JsonSerializer.Deserialize(Stored[name], json);

        Assert.Empty(Lost(Stored[name], JsonSerializer.SerializeToNode(read, json), name));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_file_contains_all_properties_of_a_state(string name) =>
        Assert.Empty(Missing(States[name], Stored[name], name));

    [Fact]
    public void The_file_contains_all_state_names() => Assert.Equal(Names.Select(row => row.Data).Order(), Stored.Select(entry => entry.Key).Order());

    /// <summary>The values that were lost or changed. Additional values are ignored.</summary>
    private static IEnumerable<string> Lost(JsonNode? stored, JsonNode? written, string path) => (stored, written) switch
    {
        (JsonObject from, JsonObject to) => from.SelectMany(entry => Lost(entry.Value, to[entry.Key], $"{path}.{entry.Key}")),
        (JsonArray from, JsonArray to) when from.Count == to.Count => from.Zip(to).SelectMany(pair => Lost(pair.First, pair.Second, path + "[]")),
        _ => JsonNode.DeepEquals(stored, written) ? [] : [$"{path}: {stored?.ToJsonString()} became {written?.ToJsonString() ?? "nothing"}"],
    };

    private static IEnumerable<string> Missing(JsonTypeInfo type, JsonNode? stored, string path)
    {
        if (type.Type.Namespace == typeof(Fleet).Namespace) return [];
        return type.Kind switch
        {
            JsonTypeInfoKind.Object => type.Properties.SelectMany(property => stored?[property.Name] is { } value
                ? Missing(type.Options.GetTypeInfo(property.PropertyType), value, $"{path}.{property.Name}")
                : [$"{path}.{property.Name}"]),
            JsonTypeInfoKind.Enumerable => Missing(type.Options.GetTypeInfo(type.ElementType!), stored?.AsArray().FirstOrDefault(), path + "[]"),
            JsonTypeInfoKind.Dictionary => Missing(
                type.Options.GetTypeInfo(type.ElementType!), stored?.AsObject().Select(entry => entry.Value).FirstOrDefault(), path + "{}"),
            _ => [],
        };
    }
}
