using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Conversations;

public sealed class ConversationsTests
{
    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeSeconds(1700000000);

    [Fact]
    public async Task Conversations_are_listed_in_pages()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Index.Summaries.AddRange(new[] { "a", "b", "c" }.Select(name => new ConversationSummary(name, null, At, At, 1)));

        var first = await Get(host, "/v1/conversations?limit=2");
        var second = await Get(host, "/v1/conversations?limit=2&after=b");

        Assert.Equal("""{"id":"a","object":"conversation","title":null,"created":1700000000,"last_used":1700000000,"turns":1}""", first.GetProperty("data")[0].GetRawText());
        Assert.Equal(("a", "b", true), (first.GetProperty("first_id").GetString(), first.GetProperty("last_id").GetString(), first.GetProperty("has_more").GetBoolean()));
        Assert.Equal(("c", false), (second.GetProperty("last_id").GetString(), second.GetProperty("has_more").GetBoolean()));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("101")]
    [InlineData("x")]
    public async Task A_bad_limit_is_refused(string limit)
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Http.GetAsync($"/v1/conversations?limit={limit}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("with/slash and space")]
    [InlineData("100%2F?")]
    [InlineData("名前")]
    public async Task Any_name_leads_to_its_conversation(string name)
    {
        await using var host = await GatewayHost.Start();
        var conversation = host.Grains.Conversation(TurnId.ConversationKey("acme", name));
        conversation.Content = new ConversationSnapshot(new ConversationSummary(name, "T", At, At, 1),
        [
            new TurnSnapshot(
                TurnId.New("acme", name), TurnStatus.Completed, "bot", name, At, At,
                [
                    new ChatMessage(ChatRole.User, [new TextContent("Hi"), new ImageContent(new MediaSource("https://x.test/a.png", null)), new FileContent(new MediaSource(null, new BlobRef("b", "t", "f.txt", 1)))]),
                    new ChatMessage(ChatRole.Assistant, []) { ToolCalls = [new ToolCall("c", "f", "{}")] },
                    new ChatMessage(ChatRole.Tool, [new TextContent("42")]) { ToolCallId = "c" },
                ],
                [new TextPart("Hello")], new Cursor(0, 5), new ReplyCompleted(FinishReason.Stop, null, null)),
        ]);

        var read = await Get(host, $"/v1/conversations/{Uri.EscapeDataString(name)}");

        Assert.Equal(name, read.GetProperty("id").GetString());
        var turn = read.GetProperty("data")[0];
        Assert.Equal("Hello", turn.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Equal(
            """[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"https://x.test/a.png"}},{"type":"file","file":{"filename":"f.txt"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"42"}]""",
            turn.GetProperty("messages").GetRawText());
    }

    [Fact]
    public async Task A_conversation_is_renamed_and_deleted()
    {
        await using var host = await GatewayHost.Start();
        var conversation = host.Grains.Conversation(TurnId.ConversationKey("acme", "talk"));
        conversation.Content = new ConversationSnapshot(new ConversationSummary("talk", "Holiday", At, At, 0), []);

        using var renamed = await host.Http.PostAsync("/v1/conversations/talk", GatewayHost.Json("""{"title":"Holiday"}"""));
        using var untitled = await host.Http.PostAsync("/v1/conversations/talk", GatewayHost.Json("""{"title":""}"""));
        using var deleted = await host.Http.DeleteAsync("/v1/conversations/talk");

        Assert.Contains("\"title\":\"Holiday\"", await renamed.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, untitled.StatusCode);
        Assert.Equal("""{"id":"talk","object":"conversation","deleted":true}""", await deleted.Content.ReadAsStringAsync());
        Assert.Equal(["rename Holiday", "get conversation", "delete"], conversation.Calls);
    }

    [Fact]
    public async Task An_unknown_conversation_gets_404()
    {
        await using var host = await GatewayHost.Start();
        using var response = await host.Http.GetAsync("/v1/conversations/nope");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
    }

    private static async Task<JsonElement> Get(GatewayHost host, string path) => JsonDocument.Parse(await host.Http.GetStringAsync(path)).RootElement;
}
