using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Conversations;

public sealed class ConversationsTests
{
    private const string Path = "/cozecluster/v1/conversations";
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1700000000);

    [Fact]
    public async Task Conversations_are_listed_in_pages()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.TurnLog.Summaries.AddRange(new[] { "a", "b", "c" }.Select(name => new ConversationSummary(name, null, At, At, 1)));

        var first = await Get(host, $"{Path}?limit=2");
        var second = await Get(host, $"{Path}?limit=2&after=b");

        Assert.Equal(
            """{"id":"a","object":"conversation","title":null,"created":1700000000,"last_used":1700000000,"turns":1}""",
            first.GetProperty("data")[0].GetRawText());
        Assert.Equal(("a", "b"), (first.GetProperty("first_id").GetString(), first.GetProperty("last_id").GetString()));
        Assert.Equal((2, true), (first.GetProperty("data").GetArrayLength(), first.GetProperty("has_more").GetBoolean()));
        Assert.Equal(("c", false), (second.GetProperty("last_id").GetString(), second.GetProperty("has_more").GetBoolean()));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("101")]
    [InlineData("x")]
    public async Task Invalid_limit_is_rejected(string limit)
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Http.GetAsync($"{Path}?limit={limit}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with/slash and space")]
    [InlineData("100%2F?")]
    [InlineData("名前")]
    public async Task Conversation_is_read_by_any_name(string name)
    {
        await using var host = await GatewayHost.Start();
        var conversation = host.Grains.Conversation(FakeFleet.KnownIds.KeyOf("acme", name));
        conversation.Content = new ConversationSnapshot(new ConversationSummary(name, "T", At, At, 1),
        [
            new TurnSnapshot(
                FakeFleet.KnownIds.NewTurn("acme", name), TurnStatus.Completed, "bot", name, At, At,
                [
                    new ChatMessage(
                        ChatRole.User,
                        [
                            new TextContent("Hi"), new ImageContent(new MediaSource("https://x.test/a.png", null)),
                            new FileContent(new MediaSource(null, new BlobRef("b", "t", "f.txt", 1))),
                        ]),
                    new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("c", "f", "{}")] },
                    new ChatMessage(ChatRole.Tool, [new TextContent("42")]) { ToolCallId = "c" },
                ],
                [new TextPart("Hello")], new Cursor(0, 5), new ReplyCompleted(FinishReason.Stop, null, null)),
        ]);

        var read = await Get(host, $"{Path}/{Uri.EscapeDataString(name)}");

        Assert.Equal(name, read.GetProperty("id").GetString());
        var turn = read.GetProperty("data")[0];
        Assert.Equal("Hello", turn.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(
            """
            [{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}},
            {"type":"file","file":{"filename":"f.txt"}}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
            {"role":"tool","tool_call_id":"c","content":"42"}]
            """.ReplaceLineEndings(""),
            turn.GetProperty("messages").GetRawText());
    }

    [Fact]
    public async Task Conversation_is_renamed_and_deleted()
    {
        await using var host = await GatewayHost.Start();
        var conversation = host.Grains.Conversation(FakeFleet.KnownIds.KeyOf("acme", "talk"));
        conversation.Content = new ConversationSnapshot(new ConversationSummary("talk", "Holiday", At, At, 0), []);

        using var renamed = await host.Http.PostAsync($"{Path}/talk", GatewayHost.Json("""{"title":"Holiday"}"""));
        using var untitled = await host.Http.PostAsync($"{Path}/talk", GatewayHost.Json("""{"title":""}"""));
        using var deleted = await host.Http.DeleteAsync($"{Path}/talk");

        Assert.Contains("\"title\":\"Holiday\"", await renamed.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, untitled.StatusCode);
        Assert.Equal("""{"id":"talk","object":"conversation","deleted":true}""", await deleted.Content.ReadAsStringAsync());
        Assert.Equal(["rename Holiday", "get conversation", "delete"], conversation.Calls);
    }

    [Fact]
    public async Task Unknown_conversation_gets_404()
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Http.GetAsync($"{Path}/nope");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    /// <summary>OpenAI has another API at this path.</summary>
    [Theory]
    [InlineData("/v1/conversations")]
    [InlineData("/v1/conversations/talk")]
    public async Task OpenAI_path_of_conversations_is_unknown(string path)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Conversation(FakeFleet.KnownIds.KeyOf("acme", "talk")).Content =
            new ConversationSnapshot(new ConversationSummary("talk", null, At, At, 0), []);

        using var response = await host.Http.GetAsync(path);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.StartsWith("Unknown request URL", await response.ReadError("message"), StringComparison.Ordinal);
    }

    private static async Task<JsonElement> Get(GatewayHost host, string path) => JsonDocument.Parse(await host.Http.GetStringAsync(path)).RootElement;
}
