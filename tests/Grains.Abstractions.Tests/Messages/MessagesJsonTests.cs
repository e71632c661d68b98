using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

/// <summary>How messages are stored inside states. <c>stored.json</c> holds one of each, a line per type: names in it are on disks, so add, never rename.</summary>
public sealed class MessagesJsonTests
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Type[] Stored =
        [.. typeof(Fleet).Assembly.GetExportedTypes().Where(type => type is { IsInterface: false, IsAbstract: false })
            .Where(type => MessagesJson.Default.GetTypeInfo(type) is not null).OrderBy(type => type.Name, StringComparer.Ordinal)];

    public static TheoryData<Type> MessageTypes => [.. Stored.Where(type => !type.IsEnum)];

    [Fact]
    public void Messages_are_stored_as_stored_json_shows()
    {
        var lines = Stored.OrderBy(type => type.IsEnum).Select(type => $"  \"{type.Name}\": {Outline(type).ToJsonString(Readable)}").ToList();

        new Golden("stored.json").Verify(["{", .. lines.SkipLast(1).Select(line => line + ","), lines[^1], "}"]);
    }

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_comes_back_as_it_went(Type type)
    {
        var sent = Samples.Full(type);

        Same.Assert(sent, JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type)), type.Name);
    }

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_with_nothing_optional_comes_back_as_it_went(Type type)
    {
        var sent = Samples.Bare(type);

        Same.Assert(sent, JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type)), type.Name);
    }

    /// <summary>What older versions stored lacks the fields of newer ones.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_field_that_is_not_there_has_its_default(Type type)
    {
        var sent = Samples.Bare(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!;
        foreach (var property in Samples.Optional(type)) json.AsObject().Remove(JsonNamingPolicy.CamelCase.ConvertName(property.Name));

        Same.Assert(sent, json.Deserialize(Json(type)), type.Name);
    }

    /// <summary>What newer versions stored has fields that older ones do not know.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_field_that_is_not_known_is_passed_over(Type type)
    {
        var sent = Samples.Full(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!.AsObject();
        json["addedLater"] = new JsonObject { ["x"] = 1 };

        Same.Assert(sent, json.Deserialize(Json(type)), type.Name);
    }

    [Fact]
    public void A_parameter_that_is_not_there_has_its_default() =>
        Assert.True(JsonSerializer.Deserialize("""{"id":"t"}""", MessagesJson.Default.TenantDefinition)!.StoreConversations);

    [Fact]
    public void Text_keeps_half_a_surrogate_pair_from_breaking_a_message()
    {
        // A malformed reply may end with one; JSON cannot carry it, and must not throw.
        ReplyEvent sent = new ReplyText(0, 0, 0, "a\ud83d".AsMemory());

        var received = (ReplyText)JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, MessagesJson.Default.ReplyEvent), MessagesJson.Default.ReplyEvent)!;

        Assert.Equal("a\ufffd", received.Text.ToString());
    }

    /// <summary>The message, with messages inside it given by name: each has its own line.</summary>
    private static JsonNode Outline(Type type)
    {
        if (type.IsEnum) return new JsonArray([.. Enum.GetNames(type).Select(name => JsonValue.Create(name))]);
        var json = JsonSerializer.SerializeToNode(Samples.Full(type), Json(type))!;
        foreach (var property in type.GetProperties())
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (json[name] is JsonObject && property.PropertyType.Namespace == type.Namespace) json[name] = $"<{property.PropertyType.Name}>";
            else if (json[name] is JsonArray and [JsonObject, ..]) json[name] = new JsonArray($"<{property.PropertyType.GenericTypeArguments[0].Name}>");
        }

        return json;
    }

    /// <summary>A derived message is stored as its base.</summary>
    private static JsonTypeInfo Json(Type type) => MessagesJson.Default.GetTypeInfo(type.BaseType?.Namespace == type.Namespace ? type.BaseType! : type)!;
}
