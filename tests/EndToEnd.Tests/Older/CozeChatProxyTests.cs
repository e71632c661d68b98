using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>Requests of clients of coze-chat-proxy, as its README shows them.</summary>
public sealed class CozeChatProxyTests(CozeChatProxyTests.ProxyNode node) : IClassFixture<CozeChatProxyTests.ProxyNode>
{
    private static readonly (string, string)[] Headers =
    [
        ("Authorization", $"Bearer {TestFleet.Key}"), ("User-Agent", "Apifox/1.0.0 (https://apifox.com)"), ("Content-Type", "application/json"),
    ];

    [Fact]
    public async Task Ccp_replay_root() => Assert.Equal(
        "Hello world! This is coze-chat-proxy.", (await node.AskAsync("GET", "/ccp/")).Json.Text("message"));

    /// <summary>The sample of the README, with its comma after the last member.</summary>
    [Fact]
    public async Task Ccp_replay_chat_of_the_readme()
    {
        var (status, json) = await node.AskAsync("POST", "/ccp/v1/chat/completions", """
            {
                "model": "gpt-3.5-turbo",
                "messages": [
                    {
                        "role": "user",
                        "content": "西红柿炒钢丝球怎么做？"
                    }
                ],
                "stream": false,
            }
            """, Headers);

        Assert.Equal((200, "chat.completion", "gpt-3.5-turbo"), (status, json.Text("object"), json.Text("model")));
        var choice = json.GetProperty("choices")[0];
        Assert.Contains("西红柿炒钢丝球怎么做？", choice.GetProperty("message").Text("content"), StringComparison.Ordinal);
        Assert.Equal(("assistant", "stop"), (choice.GetProperty("message").Text("role"), choice.Text("finish_reason")));
        Assert.True(json.GetProperty("usage").GetProperty("total_tokens").GetInt64() > 0);
        var chat = await node.Node.Sandbox.Coze.WaitForChatAsync(chat => chat.Prompt.Contains("西红柿炒钢丝球", StringComparison.Ordinal), TestTimeout.Token);
        Assert.Equal("西红柿炒钢丝球怎么做？\n", Assert.Single(chat.RequestMessages).Content);
    }

    [Fact]
    public async Task Ccp_replay_stream()
    {
        using var response = await node.SendAsync("POST", "/ccp/v1/chat/completions", """
            {"model":"gpt-3.5-turbo","messages":[{"role":"user","content":"[[say=\"one two three\" chunk=4]]"}],"stream":true}
            """, Headers);
        var events = await OlderNode.ReadEventsAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        var chunks = events.SkipLast(1).Select(data => JsonDocument.Parse(data).RootElement).ToList();
        Assert.Equal("one two three", string.Concat(chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta").Text("content"))));
        Assert.All(chunks.SkipLast(1), chunk => Assert.Equal("", chunk.GetProperty("choices")[0].Text("finish_reason")));
        Assert.Equal("stop", chunks[^1].GetProperty("choices")[0].Text("finish_reason"));
    }

    [Fact]
    public async Task Ccp_replay_images_of_the_readme()
    {
        var (status, json) = await node.AskAsync("POST", "/ccp/v1/images/generations", """
            {
                "model": "dall-e-3",
                "prompt": "A cute dog [[image]]",
                "n": 1,
                "size": "1024x1024"
            }
            """, Headers);

        Assert.Equal(200, status);
        var image = Assert.Single(json.GetProperty("data").EnumerateArray());
        Assert.Equal(["url", "b64_json"], image.EnumerateObject().Select(member => member.Name));
        Assert.StartsWith("http", image.Text("url"), StringComparison.Ordinal);
        Assert.True(json.GetProperty("created").GetInt64() > 0);
    }

    [Fact]
    public async Task Ccp_replay_bots_of_one_model_take_turns()
    {
        const string Body = """{"model":"round","messages":[{"role":"user","content":"round robin"}]}""";
        for (var i = 0; i < 4; i++) await node.AskAsync("POST", "/ccp/v1/chat/completions", Body, Headers);

        var chats = node.Node.Sandbox.Coze.Chats.Where(chat => chat.Prompt.Contains("round robin", StringComparison.Ordinal)).ToList();
        Assert.Equal(4, chats.Count);
        Assert.Equal([2, 2], chats.GroupBy(chat => chat.BotId).Select(group => group.Count()));
    }

    [Theory]
    [InlineData(null, 401, "message")]
    [InlineData("Bearer 123456", 401, "message")]
    public async Task Ccp_replay_wrong_keys(string? authorization, int status, string member)
    {
        var answer = await node.AskAsync("POST", "/ccp/v1/chat/completions", "{}", authorization is null ? [] : [("Authorization", authorization)]);

        Assert.Equal((status, "invalid_request_error"), (answer.Status, answer.Json.Text("type")));
        Assert.NotNull(answer.Json.Text(member));
    }

    [Theory]
    [InlineData("not JSON", "Invalid parameter")]
    [InlineData("""{"model":"gpt-5","messages":[{"role":"user","content":"Hi"}]}""", "model is not supported")]
    public async Task Ccp_replay_wrong_requests(string body, string detail)
    {
        var (status, json) = await node.AskAsync("POST", "/ccp/v1/chat/completions", body, Headers);

        Assert.Equal((200, detail), (status, json.Text("detail")));
    }

    /// <summary>The node of these tests.</summary>
    public sealed class ProxyNode : OlderNode
    {
        protected override string Endpoints => "  - { id: ccp, path: /ccp, compat: ccp }";
    }
}
