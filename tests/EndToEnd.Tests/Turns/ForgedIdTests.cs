using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>One tenant tries to reach what belongs to another one, through every id that a client can write.</summary>
public sealed class ForgedIdTests(NodeFixture node)
{
    private const int Tries = 200;
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    private readonly string _model = node.NewModel();
    private readonly string _name = $"forged-{Guid.NewGuid():n}";

    [Fact]
    public async Task Nobody_can_address_the_turn_of_another_tenant()
    {
        var request = node.NewRequest("say=secret").InConversation(_name);
        var turnId = (await request.StreamAsync()).TurnId;

        foreach (var path in new[] { "", "/events", "/events?after=0.1" })
            Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{turnId}{path}", TestFleet.OtherKey)).Status);
        Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/v1/turns/{turnId}", TestFleet.OtherKey)).Status);
        var response = await ToolResultAsync($"call_{turnId[5..]}_0", TestFleet.OtherKey);
        Assert.Equal((400, "messages"), (response.Status, response.Error.Text("param")));
        Assert.Equal(200, (await node.Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{turnId}")).Status);
    }

    [Fact]
    public async Task Names_of_another_tenant_stay_free_after_200_forged_tool_results()
    {
        // The ids of turns show the key of a conversation to everybody who sees one of them.
        var first = node.NewRequest("say=one").InConversation(_name);
        var conversation = (await first.StreamAsync()).TurnId[^27..];
        Assert.Equal(200, (await DeleteAsync(TestFleet.Key)).Status);
        var before = await ListAsync(TestFleet.OtherKey);

        for (var i = 0; i < Tries; i++)
        {
            var token = new string(Random.Shared.GetItems<char>(Alphabet, 25));
            var ending = i % 4 == 0 ? "" : i % 4 == 1 ? "-0" + token : conversation;
            Assert.Equal(400, (await ToolResultAsync($"call_0{token}{ending}_0", TestFleet.OtherKey)).Status);
        }

        Assert.Equal(before, await ListAsync(TestFleet.OtherKey));
        var second = node.NewRequest("say=two", first.Model).InConversation(_name);
        Assert.Equal("two", (await second.StreamAsync()).Text);
        Assert.Equal(200, (await node.Http.RequestJsonAsync(HttpMethod.Get, Path())).Status);
        Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Get, Path(), TestFleet.OtherKey)).Status);
    }

    [Fact]
    public async Task A_conversation_is_deleted_and_renamed_only_by_its_tenant_and_once()
    {
        Assert.Equal(404, (await DeleteAsync(TestFleet.Key)).Status);
        await node.NewRequest("say=one").InConversation(_name).StreamAsync();

        Assert.Equal(404, (await DeleteAsync(TestFleet.OtherKey)).Status);
        var title = new JsonObject { ["title"] = "mine" };
        Assert.Equal(404, (await node.Http.RequestJsonAsync(HttpMethod.Post, Path(), TestFleet.OtherKey, title)).Status);
        Assert.Equal(200, (await DeleteAsync(TestFleet.Key)).Status);
        Assert.Equal(404, (await DeleteAsync(TestFleet.Key)).Status);
    }

    [Fact]
    public async Task The_same_name_and_idempotency_key_of_two_tenants_are_two_conversations()
    {
        var key = Guid.NewGuid().ToString();
        var mine = node.NewRequest("say=one").InConversation(_name).WithHeader("Idempotency-Key", key);
        var other = node.NewRequest("say=two").InConversation(_name).WithHeader("Idempotency-Key", key);
        other.Key = TestFleet.OtherKey;
        var (first, second) = (await mine.StreamAsync(), await other.StreamAsync());

        Assert.Equal(("one", "two"), (first.Text, second.Text));
        Assert.NotEqual(first.TurnId[^26..], second.TurnId[^26..]);
        Assert.Equal(200, (await DeleteAsync(TestFleet.OtherKey)).Status);
        Assert.Equal(200, (await node.Http.RequestJsonAsync(HttpMethod.Get, Path())).Status);
    }

    private string Path() => $"/cozecluster/v1/conversations/{_name}";

    private Task<ApiResponse> DeleteAsync(string key) => node.Http.RequestJsonAsync(HttpMethod.Delete, Path(), key);

    private async Task<string> ListAsync(string key) =>
        (await node.Http.RequestJsonAsync(HttpMethod.Get, "/cozecluster/v1/conversations?limit=100", key)).Json.GetProperty("data").GetRawText();

    private Task<ApiResponse> ToolResultAsync(string callId, string key)
    {
        var request = node.NewRequest(model: _model);
        request.Key = key;
        request.Body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = callId, ["content"] = "sunny" });
        return request.CompleteAsync();
    }
}
