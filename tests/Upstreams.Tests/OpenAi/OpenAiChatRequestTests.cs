using System.Text.Json.Nodes;
using CozeCluster.Upstreams.OpenAi;

namespace CozeCluster.Upstreams.Tests.OpenAi;

/// <summary>What is sent to servers with chat completions, by their kind.</summary>
public sealed class OpenAiChatRequestTests
{
    private static readonly ChatMessage Thoughtful = CozeRig.Assistant("Hello") with { Reasoning = "A greeting" };

    private static readonly ChatMessage Calling =
        new(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("c1", "f", "{}")], Reasoning = "Needs f" };

    private static readonly ChatMessage Result = new(ChatRole.Tool, [new TextContent("1")]) { ToolCallId = "c1" };

    [Theory]
    [InlineData("https://api.deepseek.com", null, true)]
    [InlineData("https://api.deepseek.com/v1", "false", false)]
    [InlineData("https://api.moonshot.cn/v1", null, true)]
    [InlineData("https://api.openai.com/v1", null, false)]
    [InlineData("https://api.groq.com/openai/v1", null, false)]
    [InlineData("http://127.0.0.1:8000/v1", null, false)]
    [InlineData("http://127.0.0.1:8000/v1", "true", true)]
    public void Write_ReasoningOfTheHistory_IsSentWhereTheServerDemandsIt(string baseUrl, string? option, bool isSent)
    {
        var messages = Write(baseUrl, option, CozeRig.User("Hi"), Thoughtful, CozeRig.User("1?"), Calling, Result, Calling with { Reasoning = null }, Result);

        Assert.Equal(
            isSent ? [null, "A greeting", null, "Needs f", null, "", null] : new string?[7],
            messages.Select(message => (string?)message!["reasoning_content"]));
    }

    [Fact]
    public void Write_DetailOfAnImage_IsThatOfTheClient()
    {
        var source = new MediaSource("https://e.com/a.png", null);
        var message = new ChatMessage(ChatRole.User, [new ImageContent(source), new ImageContent(source) { Detail = "high" }]);
        var parts = Write("http://127.0.0.1:8000/v1", null, message)[0]!["content"]!.AsArray();
        Assert.Equal([null, "high"], parts.Select(part => (string?)part!["image_url"]!["detail"]));

        var input = JsonNode.Parse(new OpenAiResponseRequest(Turn("http://x", message), new OpenAiBotOptions(), NoMedia).Write().Span)!["input"]!;
        Assert.Equal(["auto", "high"], input[0]!["content"]!.AsArray().Select(part => (string?)part!["detail"]));
    }

    [Theory]
    [InlineData("chat", "maybe")]
    [InlineData("responses", "true")]
    public void TryParse_SendReasoning_NeedsChatAndATruthValue(string api, string value)
    {
        Assert.False(OpenAiBotOptions.TryParse(new Dictionary<string, string> { ["api"] = api, ["send_reasoning"] = value }, out _, out var errors));
        Assert.Equal("send_reasoning", Assert.Single(errors).Key);
    }

    private static Dictionary<ContentPart, LoadedMedia> NoMedia => [];

    private static JsonArray Write(string baseUrl, string? sendReasoning, params ChatMessage[] messages)
    {
        var turn = Turn(baseUrl, messages);
        var options = new OpenAiBotOptions { SendReasoning = sendReasoning is null ? null : sendReasoning == "true" };
        return JsonNode.Parse(new OpenAiChatRequest(turn, options, NoMedia).Write().Span)!["messages"]!.AsArray();
    }

    private static UpstreamTurn Turn(string baseUrl, params ChatMessage[] messages) => new(
        "turn_1", new BotDefinition { Id = "bot", Upstream = "openai", UpstreamBotId = "m", Accounts = ["acc"] },
        new AccountDefinition { Id = "acc", Upstream = "openai", BaseUrl = baseUrl }, "t:u", messages);
}
