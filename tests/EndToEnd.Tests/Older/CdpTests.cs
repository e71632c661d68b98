using System.Text.Json;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>Requests as the README and the code of coze-discord-proxy show them, and as its users' clients send them.</summary>
public sealed class CdpTests(CdpFixture node) : IClassFixture<CdpFixture>
{
    // A PNG of one pixel.
    private const string Pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

    [Fact]
    public async Task A_chat_has_the_old_shape_and_the_bot_receives_the_messages_as_JSON()
    {
        var mark = Mark();
        var (status, json) = await node.ChatAsync($"{mark} [[say=Four. labels=More?|Why?]]");

        Assert.Equal(200, status);
        Assert.Equal("id object created model choices usage system_fingerprint suggestions", Members(json));
        var choice = json.GetProperty("choices")[0];
        Assert.Equal("index message logprobs finish_reason delta", Members(choice));
        Assert.Equal(("chat.completion", "gpt-4-turbo"), (json.Text("object"), json.Text("model")));
        Assert.Equal(("assistant", "Four.", "stop"), (choice.GetProperty("message").Text("role"), TextOf(json), choice.Text("finish_reason")));
        Assert.Equal(["More?", "Why?"], json.GetProperty("suggestions").Texts());
        Assert.StartsWith(
            $$"""<@{{DiscordSeeds.CozeBots[0].Id}}> [{"role":"user","content":"{{mark}} """, (await node.GetPostAsync(mark)).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_has_chunks_of_the_old_shape_a_stop_chunk_and_an_end()
    {
        using var response = await node.SendAsync(
            "POST", "/v1/chat/completions",
            CdpFixture.ChatBody("gpt-4", $"{Mark()} [[say=one-two-three-four chunks=4 pace=60ms labels=More]]", ",\"stream\":true"));
        var lines = (await response.Content.ReadAsStringAsync(TestTimeout.Token)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith(':')).ToList();

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        Assert.All(lines, line => Assert.StartsWith("data: ", line, StringComparison.Ordinal));
        Assert.Equal("data: [DONE]", lines[^1]);
        var chunks = lines.SkipLast(1).Select(line => JsonDocument.Parse(line[6..]).RootElement).ToList();
        Assert.All(chunks, chunk => Assert.Equal("id object created model choices usage system_fingerprint suggestions", Members(chunk)));
        Assert.All(chunks, chunk => Assert.Equal("chat.completion.chunk", chunk.Text("object")));
        Assert.Equal("one-two-three-four", string.Concat(chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta").Text("content"))));
        Assert.Equal("one-two-three-four", TextOf(chunks[^1]));
        Assert.Equal(("", "stop"), (chunks[^1].GetProperty("choices")[0].GetProperty("delta").Text("content"), Finish(chunks[^1])));
        Assert.All(chunks.SkipLast(1), chunk => Assert.Null(Finish(chunk)));
        Assert.Equal(["More"], chunks[^1].GetProperty("suggestions").Texts());
    }

    [Theory]
    [InlineData(CdpFixture.First, "gpt-4", 0)]
    [InlineData(CdpFixture.First, "gpt-4-turbo-2024-04-09", 0)]
    [InlineData(CdpFixture.First, "", 0)]
    [InlineData(CdpFixture.Second, "GPT-3.5-16k", 1)]
    [InlineData(CdpFixture.Second, "x-GPT-3.5-16k", 1)]
    public async Task The_secret_and_a_part_of_the_model_choose_the_bot(string secret, string model, int bot)
    {
        var mark = Mark();
        var (status, json) = await node.ChatAsync($"{mark} [[say=ok]]", model, authorization: secret);

        Assert.Equal((200, "ok"), (status, TextOf(json)));
        if (model.Length > 0) Assert.Equal(model, json.Text("model"));
        Assert.Contains($"<@{DiscordSeeds.CozeBots[bot].Id}>", (await node.GetPostAsync(mark)).Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(CdpFixture.First, "claude")]
    [InlineData(CdpFixture.Second, "gpt-4")]
    public async Task A_model_of_another_secret_is_not_found(string secret, string model)
    {
        var (status, json) = await node.ChatAsync("x", model, authorization: secret);

        Assert.Equal((500, "model_not_found", "request_error"), (status, json.GetProperty("error").Text("message"), json.GetProperty("error").Text("type")));
    }

    [Fact]
    public async Task With_one_message_only_the_last_user_message_is_sent()
    {
        var mark = Mark();
        await node.AskAsync(
            "POST", "/v1/chat/completions",
            $$"""
            {"model":"GPT-3.5-16k","messages":[{"role":"user","content":"Hello"},{"role":"assistant","content":"Hi"},
            {"role":"user","content":"{{mark}} [[say=ok]]"}]}
            """,
            CdpFixture.Second);

        Assert.Equal($"<@{DiscordSeeds.CozeBots[1].Id}> {mark} [[say=ok]]", (await node.GetPostAsync(mark)).Detail);
    }

    [Fact]
    public async Task Pictures_are_sent_by_URL_and_as_base64()
    {
        var (status, json) = await node.AskAsync("POST", "/v1/chat/completions", $$$"""
            {"model":"gpt-4-vision-preview","messages":[{"role":"user","content":[{"type":"text","text":"{{{Mark()}}} [[full]]"},
            {"type":"image_url","image_url":{"url":"https://images.example/cat.png"}},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,{{{Pixel}}}"}}]}]}
            """);

        Assert.Equal(200, status);
        Assert.Contains("https://images.example/cat.png", TextOf(json), StringComparison.Ordinal);
        Assert.Contains(".png, image/png,", TextOf(json), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("embed", "url", "dall-e-3", CdpFixture.First)]
    [InlineData("link", "url", "dall-e-3", CdpFixture.First)]
    // The node keeps attachments of channels that are deleted. From elsewhere it would not fetch in a test: it does not connect to loopback.
    [InlineData("attachment", "b64_json", "GPT-3.5-16k", CdpFixture.Second)]
    public async Task An_image_has_the_old_shape(string form, string format, string model, string secret)
    {
        var (status, json) = await node.AskAsync(
            "POST", "/v1/images/generations",
            $$"""{"model":"{{model}}","prompt":"A cat {{Mark()}} [[image={{form}} say=Grey.]]","n":1,"size":"1024x1024","response_format":"{{format}}"}""",
            secret);

        Assert.Equal(200, status);
        Assert.Equal("created dailyLimit data suggestions", Members(json));
        Assert.False(json.GetProperty("dailyLimit").GetBoolean());
        var image = json.GetProperty("data")[0];
        Assert.Equal("url revised_prompt b64_json", Members(image));
        Assert.Equal("Grey.", image.Text("revised_prompt"));
        Assert.StartsWith("http://", image.Text("url"), StringComparison.Ordinal);
        Assert.Matches(format == "url" ? "^$" : "^data:image/png;base64,", image.Text("b64_json"));
    }

    [Fact]
    public async Task A_service_message_of_Coze_is_an_error_and_no_reply()
    {
        var (status, json) = await node.ChatAsync($"{Mark()} [[notice=refusal]]");

        Assert.Equal(500, status);
        Assert.Contains("I'm sorry, but I can't assist with that.", json.GetProperty("error").Text("message"), StringComparison.Ordinal);
        Assert.Equal("500", json.GetProperty("error").Text("code"));
    }

    [Fact]
    public async Task A_created_channel_can_be_used_and_deleted()
    {
        var category = await CreateAsync("/api/channel/create", """{"type":4,"name":"Group"}""");
        var channel = await CreateAsync("/api/channel/create", $$"""{"parentId":"{{category}}","type":0,"name":"talk"}""");
        var thread = await CreateAsync("/api/thread/create", $$"""{"channelId":"{{channel}}","name":"thread","archiveDuration":60}""");
        Assert.Equal(category, node.CreatedChannels.Single(created => created.Id == channel).ParentId);

        foreach (var place in new[] { channel, thread })
        {
            var mark = Mark();
            var (status, json) = await node.ChatAsync($"{mark} [[say=here]]", more: $",\"channelId\":\"{place}\"");
            Assert.Equal((200, "here", place), (status, TextOf(json), (await node.GetPostAsync(mark)).ChannelId));
        }
        // What another secret has created is not its own, although the server is the same.
        var (_, refused) = await node.AskAsync("GET", $"/api/channel/del/{channel}", authorization: null, secret: CdpFixture.Second);
        Assert.Equal((false, "discord删除频道异常"), (refused.GetProperty("success").GetBoolean(), refused.Text("message")));
        Assert.Equal(500, (await node.ChatAsync("x", "GPT-3.5-16k", $",\"channelId\":\"{channel}\"", CdpFixture.Second)).Status);

        foreach (var id in new[] { thread, channel, category })
        {
            var (_, deleted) = await node.AskAsync("GET", $"/api/channel/del/{id}", authorization: null, secret: CdpFixture.First);
            Assert.Equal("""{"success":true,"message":"discord删除频道成功"}""", deleted.GetRawText());
        }
        Assert.DoesNotContain(node.CreatedChannels, created => created.Id == channel || created.Id == thread || created.Id == category);
    }

    [Fact]
    public async Task Channels_of_chats_are_deleted_on_request_and_others_are_kept()
    {
        var own = await CreateAsync("/api/channel/create", """{"name":"mine"}""");
        var mark = Mark();
        await node.ChatAsync($"{mark} [[say=ok]]");
        var ofChat = (await node.GetPostAsync(mark)).ChannelId!;
        Assert.StartsWith("cdp-chat-", node.CreatedChannels.Single(channel => channel.Id == ofChat).Name, StringComparison.Ordinal);

        var (_, json) = await node.AskAsync("GET", "/api/channel/del/all/cdp", authorization: null, secret: CdpFixture.First);

        Assert.Equal("""{"success":true,"message":"discord删除频道成功"}""", json.GetRawText());
        await node.Discord.Records.WaitAsync(DiscordRecordKind.ChannelDeleted, record => record.ChannelId == ofChat, cancellationToken: TestTimeout.Token);
        Assert.Contains(node.CreatedChannels, channel => channel.Id == own);
        Assert.Contains(node.Discord.ChannelsOf(CdpFixture.Guild.Id), channel => channel.Id == CdpFixture.Guild.GeneralId);
    }

    [Fact]
    public async Task Wrong_secrets_get_the_old_answers()
    {
        var (status, v1) = await node.AskAsync("GET", "/v1/models", authorization: "Bearer wrong");
        Assert.Equal(401, status);
        Assert.Equal(
            """{"error":{"message":"authorization(proxy-secret)校验失败","type":"invalid_request_error","param":"","code":"invalid_authorization"}}""",
            v1.GetRawText());

        // The key of /api is in proxy-secret alone.
        var (apiStatus, api) = await node.AskAsync("POST", "/api/channel/create", """{"name":"x"}""");
        Assert.Equal((401, """{"success":false,"message":"无权进行此操作,未提供正确的 proxy-secret"}"""), (apiStatus, api.GetRawText()));
    }

    [Fact]
    public async Task An_endpoint_without_PROXY_SECRET_needs_no_key()
    {
        var body = CdpFixture.ChatBody("gpt-4", $"{Mark()} [[say=ok]]");
        var (status, json) = await node.AskAsync("POST", "/open/v1/chat/completions", body, authorization: null);

        Assert.Equal((200, "ok"), (status, TextOf(json)));
    }

    [Fact]
    public async Task Options_and_limit_of_an_endpoint_are_its_own()
    {
        var (_, models) = await node.AskAsync("GET", "/limited/v1/models");
        var (hidden, _) = await node.AskAsync("GET", "/limited/api/channel/del/all/cdp", secret: CdpFixture.First);
        var (status, limited) = await node.AskAsync("GET", "/limited/v1/models");

        Assert.Contains("gpt-4-1106-preview", models.GetProperty("data").EnumerateArray().Select(model => model.Text("id")));
        Assert.Equal(404, hidden);
        Assert.Equal((429, """{"success":false,"message":"请求过于频繁,请稍后再试"}"""), (status, limited.GetRawText()));
    }

    [Fact]
    public async Task Models_are_those_of_the_secret()
    {
        var (_, json) = await node.AskAsync("GET", "/v1/models", authorization: CdpFixture.Second);

        Assert.Equal("""{"object":"list","data":[{"id":"GPT-3.5-16k","object":"model"}]}""", json.GetRawText());
    }

    [Fact]
    public async Task The_pages_of_the_API_are_at_swagger()
    {
        using var page = await node.SendAsync("GET", "/swagger/index.html", authorization: null);

        Assert.Equal((200, "text/html"), ((int)page.StatusCode, page.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task NextChat_chats_and_asks_for_a_title_and_a_summary()
    {
        // NextChat sends its settings with every request, streams, and asks for titles with a last message of the system.
        using var stream = await node.SendAsync("POST", "/v1/chat/completions", $$"""
            {"messages":[{"role":"system","content":"You are ChatGPT."},{"role":"user","content":"{{Mark()}} [[say=Hello]]"}],"stream":true,
            "model":"gpt-4o-mini","temperature":0.5,"presence_penalty":0,"frequency_penalty":0,"top_p":1,"max_tokens":4000}
            """, authorization: $"Bearer {CdpFixture.First}");
        Assert.EndsWith("data: [DONE]", (await stream.Content.ReadAsStringAsync(TestTimeout.Token)).TrimEnd(), StringComparison.Ordinal);

        var (status, title) = await node.AskAsync("POST", "/v1/chat/completions", $$"""
            {"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":"Hello"},
            {"role":"user","content":"{{Mark()}} four words please [[say=Greetings]]"}],
            "stream":false,"model":"gpt-4o-mini","temperature":0.5,"presence_penalty":0,"frequency_penalty":0,"top_p":1}
            """);
        Assert.Equal((200, "Greetings"), (status, TextOf(title)));
    }

    [Fact]
    public async Task One_api_and_LobeChat_test_a_channel_with_one_token()
    {
        // Both append /v1 to the base URL, also where it has one.
        foreach (var path in new[] { "/v1/chat/completions", "/v1/v1/chat/completions" })
        {
            var (status, json) = await node.AskAsync("POST", path, $$"""
                {"model":"gpt-4","messages":[{"role":"user","content":"{{Mark()}} hi [[say=hi]]"}],"max_tokens":1,"stream":false}
                """);
            Assert.Equal((200, "hi"), (status, TextOf(json)));
        }
    }

    private async Task<string> CreateAsync(string path, string body)
    {
        var (status, json) = await node.AskAsync("POST", path, body, authorization: null, secret: CdpFixture.First);
        Assert.Equal((200, "success data"), (status, Members(json)));
        Assert.Equal("id name", Members(json.GetProperty("data")));
        return json.GetProperty("data").Text("id")!;
    }

    private static string Mark() => $"mark-{Guid.NewGuid():n}";

    private static string Members(JsonElement json) => string.Join(' ', json.EnumerateObject().Select(member => member.Name));

    private static string TextOf(JsonElement json) => json.GetProperty("choices")[0].GetProperty("message").Text("content")!;

    private static string? Finish(JsonElement json) => json.GetProperty("choices")[0].Text("finish_reason");
}
