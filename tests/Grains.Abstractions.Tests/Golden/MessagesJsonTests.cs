using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains.Abstractions.Tests;

/// <summary>
/// Tests the JSON form of messages in stored states. <c>stored.json</c> contains one line for each type. Databases contain these names: add names, never rename
/// them.
/// </summary>
public sealed class MessagesJsonTests
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly Type[] Stored =
        [.. typeof(Fleet).Assembly.GetExportedTypes().Where(type => type is { IsInterface: false, IsAbstract: false })
            .Where(type => MessagesJson.Default.GetTypeInfo(type) is not null).OrderBy(type => type.Name, StringComparer.Ordinal)];

    public static TheoryData<Type> MessageTypes => [.. Stored.Where(type => !type.IsEnum)];

    [Fact]
    public void Messages_are_written_as_in_stored_json()
    {
        var lines = Stored.OrderBy(type => type.IsEnum).Select(type => $"  \"{type.Name}\": {Outline(type).ToJsonString(Readable)}").ToList();

        new GoldenFile("stored.json").Verify(["{", .. lines.SkipLast(1).Select(line => line + ","), lines[^1], "}"]);
    }

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_survives_a_round_trip(Type type)
    {
        var sent = Full(type);

        Same.Assert(sent, JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type)), type.Name);
    }

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_without_optional_values_survives_a_round_trip(Type type)
    {
        var sent = Samples.Bare(type);

        Same.Assert(sent, JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type)), type.Name);
    }

    /// <summary>Older versions did not store newer fields.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_missing_field_has_its_default(Type type)
    {
        var sent = Samples.Bare(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!;
        foreach (var property in Samples.Optional(type)) json.AsObject().Remove(JsonNamingPolicy.CamelCase.ConvertName(property.Name));

        Same.Assert(sent, json.Deserialize(Json(type)), type.Name);
    }

    /// <summary>Newer versions store fields that this version does not know.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void An_unknown_field_is_ignored(Type type)
    {
        var sent = Full(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!.AsObject();
        json["addedLater"] = new JsonObject { ["x"] = 1 };

        Same.Assert(sent, json.Deserialize(Json(type)), type.Name);
    }

    [Fact]
    public void The_credential_of_a_request_is_not_stored_and_not_shown()
    {
        var credential = new RequestCredential { Upstream = "openai", Value = "canary-of-the-credential" };
        var request = (TurnRequest)Full(typeof(TurnRequest)) with { Credential = credential };

        Assert.Equal("""{"upstream":"openai"}""", JsonNode.Parse(JsonSerializer.Serialize(request, Json(typeof(TurnRequest))))!["credential"]!.ToJsonString());
        Assert.DoesNotContain("canary", request.ToString() + credential, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_parameter_has_its_default() =>
        Assert.True(JsonSerializer.Deserialize("""{"id":"t"}""", MessagesJson.Default.TenantDefinition)!.StoreConversations);

    /// <summary>The version of a fleet file is a hash of this text, and an older file must not look like a new one.</summary>
    [Fact]
    public void Tenant_WithoutSettings_IsWrittenAsItAlwaysWas() => Assert.Equal(
        """{"storeConversations":true,"id":"t","keys":[],"aliases":[],"prepaid":false}""",
        JsonSerializer.Serialize(new TenantDefinition { Id = "t" }, MessagesJson.Default.TenantDefinition));

    [Fact]
    public void Half_a_surrogate_pair_is_replaced()
    {
        // A malformed reply may end with one. JSON cannot represent it, but the serializer must not throw.
        ReplyEvent sent = new ReplyText(0, 0, 0, "a\ud83d".AsMemory());

        var received = (ReplyText)JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, MessagesJson.Default.ReplyEvent), MessagesJson.Default.ReplyEvent)!;

        Assert.Equal("a\ufffd", received.Text.ToString());
    }

    /// <summary>A message with everything that is stored.</summary>
    private static object Full(Type type) => Samples.Full(type) switch
    {
        RequestCredential credential => credential with { Value = null },
        TurnRequest request => request with { Credential = request.Credential! with { Value = null } },
        var message => message,
    };

    /// <summary>The JSON of a message. Messages inside it are replaced by their type names, because each type has its own line.</summary>
    private static JsonNode Outline(Type type)
    {
        if (type.IsEnum) return new JsonArray([.. Enum.GetValues(type).Cast<object>().Select(value => JsonSerializer.SerializeToNode(value, Json(type)))]);
        var json = JsonSerializer.SerializeToNode(Samples.Full(type), Json(type))!;
        foreach (var property in type.GetProperties())
        {
            var name = JsonNamingPolicy.CamelCase.ConvertName(property.Name);
            if (json[name] is JsonObject && property.PropertyType.Namespace == type.Namespace) json[name] = $"<{property.PropertyType.Name}>";
            else if (json[name] is JsonArray and [JsonObject, ..]) json[name] = new JsonArray($"<{property.PropertyType.GenericTypeArguments[0].Name}>");
        }
        return json;
    }

    /// <summary>A derived message is stored as its base type, with a type discriminator.</summary>
    private static JsonTypeInfo Json(Type type) => MessagesJson.Default.GetTypeInfo(type.BaseType?.Namespace == type.Namespace ? type.BaseType! : type)!;
}
