using System.Text.Json;
using System.Text.Json.Nodes;
using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>A bot calls a tool of the client. The official .NET client sends the result.</summary>
public sealed class ToolTests(NodeFixture node)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_chat_continues_with_the_result(bool streamed)
    {
        var request = node.NewRequest("requires_action=find_user");
        var chat = node.Chat(request.Model);
        List<OpenAI.Chat.ChatMessage> messages = [new UserChatMessage(request.Prompt)];
        var call = streamed ? await StreamedCallAsync(chat, messages) : await WholeCallAsync(chat, messages);
        Assert.Equal(("find_user", """{"query":"sandbox"}"""), (call.FunctionName, call.FunctionArguments.ToString()));

        messages.Add(new AssistantChatMessage([call]));
        messages.Add(new ToolChatMessage(call.Id, "it is Ada"));
        var text = streamed
            ? await chat.CompleteChatStreamingAsync(messages).TextAsync()
            : (await chat.CompleteChatAsync(messages, cancellationToken: TestTimeout.Token)).Value.Content[0].Text;

        Assert.Contains("it is Ada", text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(request.Chat.Answers), text);
    }

    [Fact]
    public async Task A_result_for_which_no_turn_waits_is_refused()
    {
        var request = node.NewRequest("requires_action");
        var first = await request.CompleteAsync();
        var call = first.Message.GetProperty("tool_calls")[0];
        Assert.Equal("tool_calls", first.Json.GetProperty("choices")[0].Text("finish_reason"));
        Assert.Equal(JsonValueKind.Null, first.Message.GetProperty("content").ValueKind);

        var unknown = call.Text("id")![..^1] + "7";
        var response = await node.NewRequest(model: request.Model).With(body => body["messages"]!.AsArray().Add(ToolMessage(unknown))).CompleteAsync();
        Assert.Equal((400, "messages"), (response.Status, response.Error.Text("param")));
    }

    [Fact]
    public async Task A_result_in_a_history_of_another_server_is_sent_as_text()
    {
        var request = node.NewRequest();
        request.Body["messages"]!.AsArray().Add(ToolMessage("call_of_another_server"));
        var response = await request.CompleteAsync();

        Assert.Equal(200, response.Status);
        Assert.Contains(request.Chat.RequestMessages, message => message.Content.Contains("sunny", StringComparison.Ordinal));
    }

    private static JsonObject ToolMessage(string callId) => new() { ["role"] = "tool", ["tool_call_id"] = callId, ["content"] = "sunny" };

    private static async Task<ChatToolCall> WholeCallAsync(ChatClient chat, List<OpenAI.Chat.ChatMessage> messages)
    {
        var completion = (await chat.CompleteChatAsync(messages, cancellationToken: TestTimeout.Token)).Value;
        Assert.Equal(ChatFinishReason.ToolCalls, completion.FinishReason);
        return Assert.Single(completion.ToolCalls);
    }

    private static async Task<ChatToolCall> StreamedCallAsync(ChatClient chat, List<OpenAI.Chat.ChatMessage> messages)
    {
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, cancellationToken: TestTimeout.Token)) updates.Add(update);
        Assert.Equal(ChatFinishReason.ToolCalls, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        var pieces = updates.SelectMany(update => update.ToolCallUpdates).ToList();
        var arguments = string.Concat(pieces.Select(piece => piece.FunctionArgumentsUpdate?.ToString()));
        return ChatToolCall.CreateFunctionToolCall(pieces[0].ToolCallId, pieces[0].FunctionName, BinaryData.FromString(arguments));
    }
}
