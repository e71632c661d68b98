using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using CozeCluster.Messages;

namespace CozeCluster.Grains.Abstractions.Tests.Messages;

public sealed class MessagesJsonTests
{
    public static TheoryData<Type> MessageTypes => [.. Samples.MessageTypes];

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_comes_back_as_it_went(Type type)
    {
        var sent = Samples.Full(type);

        var received = JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type));

        Same.Assert(sent, received, type.Name);
    }

    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_message_with_nothing_optional_comes_back_as_it_went(Type type)
    {
        var sent = Samples.Bare(type);

        var received = JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, Json(type)), Json(type));

        Same.Assert(sent, received, type.Name);
    }

    /// <summary>What older nodes wrote lacks the fields of newer ones.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_field_that_is_not_there_has_its_default(Type type)
    {
        var sent = Samples.Bare(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!;
        foreach (var property in Samples.Optional(type)) json.AsObject().Remove(JsonNamingPolicy.CamelCase.ConvertName(property.Name));

        var received = json.Deserialize(Json(type));

        Same.Assert(sent, received, type.Name);
    }

    /// <summary>What newer nodes wrote has fields that older ones do not know.</summary>
    [Theory]
    [MemberData(nameof(MessageTypes))]
    public void A_field_that_is_not_known_is_passed_over(Type type)
    {
        var sent = Samples.Full(type);
        var json = JsonSerializer.SerializeToNode(sent, Json(type))!;
        if (json is not JsonObject fields) return;
        fields["addedLater"] = new JsonObject { ["x"] = 1 };

        Same.Assert(sent, json.Deserialize(Json(type)), type.Name);
    }

    [Fact]
    public void Text_keeps_half_a_surrogate_pair_from_breaking_a_message()
    {
        // A malformed reply may end with one; JSON cannot carry it, and must not throw.
        ReplyEvent sent = new ReplyText(0, 0, 0, "a\ud83d".AsMemory());

        var received = (ReplyText)JsonSerializer.Deserialize(JsonSerializer.Serialize(sent, MessagesJson.Default.ReplyEvent), MessagesJson.Default.ReplyEvent)!;

        Assert.Equal("a\ufffd", received.Text.ToString());
    }

    /// <summary>Says which type to add to <see cref="MessagesJson"/> when one is missing.</summary>
    internal static JsonTypeInfo Json(Type type)
    {
        var info = MessagesJson.Default.GetTypeInfo(Samples.WireType(type));
        Assert.True(info is not null, $"MessagesJson does not know {Samples.WireType(type).Name}: add [JsonSerializable] there, or name it in a message that has it.");
        return info;
    }
}
