using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.AiProxy;

/// <summary>How replies look in the form of aiproxy.</summary>
public sealed class AiProxyStreamTests
{
    private const string Body = """{"provider":"coze","model":"bot","messages":[{"role":"user","content":"Hi"}]}""";

    [Fact]
    public async Task Reply_is_increments_and_DONE()
    {
        var events = await Run(Reply.Text("a\"b"), Reply.Text("c", offset: 3), Reply.Stop());

        Assert.Equal(["a\"b", "c"], events[..^1].Select(Content));
        Assert.Equal("[DONE]", events[^1]);
        Assert.DoesNotContain("usage", events[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Images_are_written_as_links_and_as_Markdown()
    {
        var events = await Run(Reply.Text("Look"), Reply.Item(1, new ImageItem("i", "https://x.test/a.png")), Reply.Stop());

        Assert.Equal(["Look", "\nhttps://x.test/a.png\n![Image](https://x.test/a.png)"], events[..^1].Select(Content));
    }

    [Fact]
    public async Task Changed_text_and_further_answers_begin_after_a_blank_line()
    {
        var events = await Run(
            Reply.Text("Helo"), new ReplyRewritten(0, 2), Reply.Text("llo", offset: 2), Reply.Text("Second", part: 1, answer: 1), Reply.Stop());

        Assert.Equal("Helo\n\nllo\n\nSecond", string.Concat(events[..^1].Select(Content)));
    }

    [Fact]
    public async Task Reasoning_and_other_items_are_left_out()
    {
        var events = await Run(Reply.Reasoning("why"), Reply.Text("x", part: 1), Reply.Item(2, new FollowUpItem("f", "More?")), Reply.Stop());

        Assert.Equal(["x"], events[..^1].Select(Content));
    }

    [Fact]
    public async Task Reply_that_waits_for_tools_does_not_look_whole()
    {
        var events = await Run(Reply.Text("x"), Reply.Stop(reason: FinishReason.ToolCalls));

        Assert.DoesNotContain("[DONE]", events);
        Assert.True(JsonDocument.Parse(events[^1]).RootElement.TryGetProperty("error", out _));
    }

    [Fact]
    public async Task Cut_reply_ends_with_an_error_and_without_DONE()
    {
        var events = await Run(Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamFailed, "Gone."));

        Assert.DoesNotContain("[DONE]", events);
        Assert.Equal("""{"error":{"message":"Gone.","type":"server_error","param":"","code":"upstream_error"}}""", events[^1]);
    }

    [Fact]
    public async Task Bot_on_Discord_answers_once()
    {
        await using var host = await Start();
        host.Grains.Fleet.BotUpstream = "discord";
        var events = await Run(host, Reply.Text("x"), Reply.Stop());

        var chunk = JsonDocument.Parse(events[0]).RootElement;
        Assert.Equal("coze-discord", chunk.GetProperty("model").GetString());
        Assert.False(chunk.TryGetProperty("coze", out _));
        Assert.Null(Assert.Single(host.Grains.Conversations).Request!.ConversationName);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("unknown")]
    public async Task Endpoint_without_a_key_acts_for_its_tenant(string? key)
    {
        await using var host = await Start();
        host.Http.DefaultRequestHeaders.Authorization = key is null ? null : new("Bearer", key);
        await Run(host, Reply.Text("x"), Reply.Stop());

        Assert.Equal("acme", Assert.Single(host.Grains.Conversations).Request!.TenantId);
    }

    private static async Task<List<string>> Run(params ReplyEvent[] events)
    {
        await using var host = await Start();
        return await Run(host, events);
    }

    private static async Task<List<string>> Run(GatewayHost host, params ReplyEvent[] events)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/old/c/v1/chat/completions") { Content = GatewayHost.Json(Body) };
        var pending = host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var conversation = await host.WaitForTurn();
        // The first event alone: an error that follows it is in the stream.
        await conversation.Post(new Cursor(0, 1), events[0]);
        using var response = await pending;
        await conversation.Post(new Cursor(1, 0), events[1..]);
        return [.. (await SseReader.ReadAll(response)).Select(e => e.Data).Where(data => data.Length > 0)];
    }

    private static async Task<GatewayHost> Start()
    {
        var host = await GatewayHost.Start();
        host.Grains.Fleet.Endpoints = new FleetEndpoints(
            [new EndpointDefinition { Id = "old", Path = "/old", Compat = CompatMode.AiProxy, Anonymous = "acme" }], HasCompatKeys: false);
        return host;
    }

    private static string Content(string data) =>
        JsonDocument.Parse(data).RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
}
