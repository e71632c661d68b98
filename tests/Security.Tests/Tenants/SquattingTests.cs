using System.Text.Json.Nodes;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>Names can be guessed, and ids have a public form. Nobody can take a conversation or turn of another tenant before that tenant uses it.</summary>
[Collection(nameof(TenantsNode))]
public sealed class SquattingTests(TenantsFixture node)
{
    private static readonly ConversationIds Guessed = new(ConversationIds.NewKey());

    [Fact]
    public async Task The_result_of_a_tool_call_does_not_take_a_conversation_that_another_tenant_will_begin()
    {
        var name = $"talk-{Guid.NewGuid():n}";
        var turnId = Guessed.NewTurn("main", name);
        var attack = await SendResultAsync(turnId);
        var reply = await new ChatRequest(node.Http, null, "attacker", "say=mine").InConversation(name).CompleteAsync();

        Assert.Equal((400, "invalid_request_error"), (attack.Status, attack.Error.Text("type")));
        Assert.Equal(200, reply.Status);
        Assert.Equal("mine", reply.Text);
    }

    [Fact]
    public async Task The_result_of_a_tool_call_does_not_take_a_turn_that_another_tenant_will_begin()
    {
        var key = $"order-{Guid.NewGuid():n}";
        var turnId = Guessed.TurnOfKey("main", null, key);
        var attack = await SendResultAsync(turnId);
        var reply = await new ChatRequest(node.Http, null, "attacker", "say=mine").WithHeader("idempotency-key", key).CompleteAsync();

        Assert.Equal((400, "invalid_request_error"), (attack.Status, attack.Error.Text("type")));
        Assert.Equal(200, reply.Status);
        Assert.Equal("mine", reply.Text);
    }

    private async Task<ApiResponse> SendResultAsync(string turnId)
    {
        var callId = ToolCallIds.Of(turnId, 0);
        var call = new JsonObject { ["id"] = callId, ["type"] = "function", ["function"] = new JsonObject { ["name"] = "f", ["arguments"] = "{}" } };
        var request = new ChatRequest(node.Http, null, "attacker", "say=taken") { Key = TestFleet.OtherKey };
        request.Body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["tool_calls"] = new JsonArray(call) });
        request.Body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "tool", ["tool_call_id"] = callId, ["content"] = "result" });
        return await request.CompleteAsync();
    }
}
