using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed class ToolOutputTests
{
    [Fact]
    public async Task RequiresAction_EndsTheStreamWithTheToolCall()
    {
        await using var client = await CozeClient.StartAsync();

        var events = await client.StreamAsync("[[requires_action=find_user]]");

        var action = events.One(CozeEvents.RequiresAction).Json;
        Assert.Equal("requires_action", (string?)action["status"]);
        Assert.Equal("submit_tool_outputs", (string?)action["required_action"]!["type"]);
        var call = action["required_action"]!["submit_tool_outputs"]!["tool_calls"]![0]!;
        Assert.Equal("function", (string?)call["type"]);
        Assert.Equal("find_user", (string?)call["function"]!["name"]);
        Assert.NotNull(JsonNode.Parse((string)call["function"]!["arguments"]!));
        Assert.Equal(CozeEvents.Done, events[^1].Name);
        Assert.Equal(CozeChatStatus.RequiresAction, client.Coze.Chats.Single().Status);
    }

    [Fact]
    public async Task Submit_Streamed_ContinuesTheSameChat()
    {
        await using var client = await CozeClient.StartAsync();
        var (path, callId) = await RequireAsync(client);

        var events = await client.StreamAsync(path, Outputs(callId, "it is sunny", stream: true));

        Assert.Contains("it is sunny", events.Text());
        Assert.Equal("it is sunny", events.Messages("tool_response").Single()["content"]);
        Assert.Equal("completed", events.One(CozeEvents.Completed)["status"]);
        Assert.Equal(CozeChatStatus.Completed, client.Coze.Chats.Single().Status);
    }

    [Fact]
    public async Task Submit_NotStreamed_CompletesInTheBackground()
    {
        await using var client = await CozeClient.StartAsync();
        var (path, callId) = await RequireAsync(client);

        var answer = await client.PostAsync(path, Outputs(callId, "it is sunny", stream: false));
        var chat = await client.Coze.WaitForChatAsync(c => c.Ended, client.TimeoutToken);

        Assert.Equal("in_progress", (string?)answer["data"]!["status"]);
        Assert.Contains("it is sunny", chat.Answers.Single());
    }

    [Fact]
    public async Task Submit_WrongId_IsRefusedAndTheChatStillWaits()
    {
        await using var client = await CozeClient.StartAsync();
        var (path, _) = await RequireAsync(client);

        Assert.Equal(4000, (int)(await client.PostAsync(path, Outputs("1", "x", stream: false)))["code"]!);
        Assert.Equal(CozeChatStatus.RequiresAction, client.Coze.Chats.Single().Status);
    }

    [Fact]
    public async Task Submit_ToAChatThatIsNotWaiting_IsRefused()
    {
        await using var client = await CozeClient.StartAsync();
        await client.StreamAsync("Hello");

        Assert.Equal(4000, (int)(await client.PostAsync(Path(client), Outputs("1", "x", stream: false)))["code"]!);
    }

    [Fact]
    public async Task Cancel_WhileWaiting_FreesTheConversation()
    {
        await using var client = await CozeClient.StartAsync();
        await RequireAsync(client);
        var chat = client.Coze.Chats.Single();

        await client.PostAsync("v3/chat/cancel", new JsonObject { ["chat_id"] = chat.Id, ["conversation_id"] = chat.ConversationId });

        Assert.True(chat.Ended);
        Assert.Equal("free", (await client.StreamAsync("[[say=free]]", $"?conversation_id={chat.ConversationId}")).Text());
    }

    private static async Task<(string Path, string CallId)> RequireAsync(CozeClient client)
    {
        var events = await client.StreamAsync("[[requires_action]]");
        var calls = events.One(CozeEvents.RequiresAction).Json["required_action"]!["submit_tool_outputs"]!["tool_calls"]!;
        return (Path(client), (string)calls[0]!["id"]!);
    }

    private static string Path(CozeClient client)
    {
        var chat = client.Coze.Chats.Single();
        return $"v3/chat/submit_tool_outputs?conversation_id={chat.ConversationId}&chat_id={chat.Id}";
    }

    private static JsonObject Outputs(string callId, string output, bool stream) => new()
    {
        ["tool_outputs"] = new JsonArray(new JsonObject { ["tool_call_id"] = callId, ["output"] = output }),
        ["stream"] = stream,
    };
}
