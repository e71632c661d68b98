using OpenAI.Chat;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>A bot asks for a tool of the client's; the official .NET client runs it and hands in the result.</summary>
public sealed class ToolTests(NodeFixture node)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_chat_goes_on_with_the_result(bool streamed)
    {
        var ask = node.Ask("requires_action=find_user");
        var chat = node.Chat(ask.Model);
        List<OpenAI.Chat.ChatMessage> messages = [new UserChatMessage(ask.Prompt)];
        var call = streamed ? await StreamedCallAsync(chat, messages) : await WholeCallAsync(chat, messages);
        Assert.Equal(("find_user", """{"query":"sandbox"}"""), (call.FunctionName, call.FunctionArguments.ToString()));

        messages.Add(new AssistantChatMessage([call]));
        messages.Add(new ToolChatMessage(call.Id, "it is Ada"));
        var text = streamed
            ? await chat.CompleteChatStreamingAsync(messages).TextAsync()
            : (await chat.CompleteChatAsync(messages, cancellationToken: Ask.Patience)).Value.Content[0].Text;

        Assert.Contains("it is Ada", text, StringComparison.Ordinal);
        Assert.Equal(Assert.Single(ask.Chat.Answers), text);
    }

    [Fact]
    public async Task A_result_that_nobody_waits_for_is_refused()
    {
        var ask = node.Ask("requires_action");
        var first = await ask.CompleteAsync();
        var call = first.Message.GetProperty("tool_calls")[0];
        Assert.Equal("tool_calls", first.Json.GetProperty("choices")[0].Text("finish_reason"));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, first.Message.GetProperty("content").ValueKind);

        var unknown = call.Text("id")![..^1] + "7";
        var answer = await node.Ask(model: ask.Model).With(body => body["messages"]!.AsArray().Add(ToolMessage(unknown))).CompleteAsync();
        Assert.Equal((400, "messages"), (answer.Status, answer.Error.Text("param")));
    }

    [Fact]
    public async Task A_result_from_a_history_made_elsewhere_is_told_as_text()
    {
        var ask = node.Ask();
        ask.Body["messages"]!.AsArray().Add(ToolMessage("call_of_another_server"));
        var answer = await ask.CompleteAsync();

        Assert.Equal(200, answer.Status);
        Assert.Contains(ask.Chat.RequestMessages, message => message.Content.Contains("sunny", StringComparison.Ordinal));
    }

    private static System.Text.Json.Nodes.JsonObject ToolMessage(string callId) => new() { ["role"] = "tool", ["tool_call_id"] = callId, ["content"] = "sunny" };

    private static async Task<ChatToolCall> WholeCallAsync(ChatClient chat, List<OpenAI.Chat.ChatMessage> messages)
    {
        var completion = (await chat.CompleteChatAsync(messages, cancellationToken: Ask.Patience)).Value;
        Assert.Equal(ChatFinishReason.ToolCalls, completion.FinishReason);
        return Assert.Single(completion.ToolCalls);
    }

    private static async Task<ChatToolCall> StreamedCallAsync(ChatClient chat, List<OpenAI.Chat.ChatMessage> messages)
    {
        var updates = new List<StreamingChatCompletionUpdate>();
        await foreach (var update in chat.CompleteChatStreamingAsync(messages, cancellationToken: Ask.Patience)) updates.Add(update);
        Assert.Equal(ChatFinishReason.ToolCalls, Assert.Single(updates, update => update.FinishReason is not null).FinishReason);
        var pieces = updates.SelectMany(update => update.ToolCallUpdates).ToList();
        return ChatToolCall.CreateFunctionToolCall(
            pieces[0].ToolCallId, pieces[0].FunctionName, BinaryData.FromString(string.Concat(pieces.Select(piece => piece.FunctionArgumentsUpdate?.ToString()))));
    }
}
