using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Grains.Tests.States;

/// <summary>
/// Tests the stored form of what the rows of turns contain. <c>turns.json</c> has one of each with all properties, as an earlier version may have stored it:
/// add properties, rename none.
/// </summary>
public sealed class StoredTurnDataTests
{
    private static readonly JsonObject Stored = JsonNode.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "States", "turns.json")))!.AsObject();

    private static readonly Dictionary<string, JsonTypeInfo> Types = new()
    {
        ["details"] = TurnJson.Default.TurnDetails,
        ["handle"] = TurnJson.Default.UpstreamHandle,
        ["request"] = TurnJson.Default.TurnRequest,
        ["prompt"] = TurnJson.Default.IReadOnlyListChatMessage,
        ["reply"] = TurnJson.Default.IReadOnlyListReplyPart,
    };

    public static TheoryData<string> Names => [.. Types.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void Stored_data_is_written_as_it_was_read(string name)
    {
        var read = JsonSerializer.Deserialize(Stored[name], Types[name]);

        Assert.Equal(Stored[name]!.ToJsonString(), JsonSerializer.SerializeToNode(read, Types[name])!.ToJsonString());
    }

    [Theory]
    [InlineData("details")]
    [InlineData("request")]
    public void The_file_has_all_properties(string name) =>
        Assert.Equal(Types[name].Properties.Select(property => property.Name).Order(), Stored[name]!.AsObject().Select(entry => entry.Key).Order());

    [Fact]
    public void A_turn_that_was_just_accepted_needs_few_bytes() =>
        Assert.Equal("""{"survive":false,"sent":true}""", JsonSerializer.Serialize(new TurnDetails { Sent = true }, TurnJson.Default.TurnDetails));
}
