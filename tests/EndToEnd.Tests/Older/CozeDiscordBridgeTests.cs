using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>Requests of clients of Coze-Discord-Bridge, as its README shows them.</summary>
public sealed class CozeDiscordBridgeTests(CozeDiscordBridgeTests.BridgeNode node) : IClassFixture<CozeDiscordBridgeTests.BridgeNode>
{
    private const string Key = TestFleet.Key;

    private readonly string _name = $"talk-{Guid.NewGuid():n}";

    [Theory]
    [InlineData("/cdb/", "这里是Coze-Discord-Bridge的根节点~")]
    [InlineData("/cdb/Ping", "Pong!")]
    [InlineData("/cdb/ping", "Pong!")]
    public async Task Cdb_replay_root_and_ping(string path, string message)
    {
        var (status, json) = await node.AskAsync("GET", path);

        Assert.Equal((200, 200, message), (status, json.GetProperty("code").GetInt32(), json.Text("message")));
    }

    /// <summary>The two calls of the README: without and with a key.</summary>
    [Fact]
    public async Task Cdb_replay_chat_of_the_readme()
    {
        await node.AskAsync("GET", $"/cdb/api/CreateConversation?name={_name}&key={Key}");
        var prompt = Uri.EscapeDataString("___启动");

        var refused = await node.AskAsync("GET", $"/cdb/api/Chat?name={_name}&prompt={prompt}");
        var (status, json) = await node.AskAsync("GET", $"/cdb/api/Chat?name={_name}&prompt={prompt}&key={Key}");

        Assert.Equal((403, """{"code":403,"message":"无权访问本服务"}"""), (refused.Status, refused.Json.GetRawText()));
        Assert.Equal((200, "成功!"), (status, json.Text("message")));
        Assert.Contains("___启动", json.GetProperty("data").Text("prompt"), StringComparison.Ordinal);
        Assert.Empty(json.GetProperty("data").GetProperty("files").EnumerateArray());
    }

    [Fact]
    public async Task Cdb_replay_stream_of_the_readme()
    {
        var created = await node.AskAsync("POST", "/cdb/api/CreateConversation", $$"""{"name":"{{_name}}","key":"{{Key}}"}""");
        var id = created.Json.GetProperty("data").Text("conversation_id");

        using var response = await node.SendAsync("GET", $"/cdb/api/ChatStream?name={id}&prompt=%5B%5Bchunks=30%20pace=50ms%5D%5D&key={Key}");
        var events = (await OlderNode.ReadEventsAsync(response)).Select(data => JsonDocument.Parse(data).RootElement).ToList();

        var (parts, end) = (events.SkipLast(1).ToList(), events[^1]);
        Assert.True(parts.Count > 1, "The reply came in one piece.");
        Assert.All(parts, part => Assert.Equal((200, "生成中.."), (part.GetProperty("code").GetInt32(), part.Text("message"))));
        var all = string.Concat(parts.Select(part => part.GetProperty("data").Text("prompt_new")));
        Assert.Equal(all, parts[^1].GetProperty("data").Text("prompt_all"));
        var last = end.GetProperty("data");
        Assert.Equal(("成功!", all, "", all), (end.Text("message"), last.Text("prompt_all"), last.Text("prompt_new"), last.Text("prompt")));
        Assert.True(last.GetProperty("done").GetBoolean());
    }

    [Fact]
    public async Task Cdb_replay_conversation_is_kept_over_rename_and_restart()
    {
        var id = (await node.AskAsync("GET", $"/cdb/api/createconversation?name={_name}&key={Key}")).Json.GetProperty("data").Text("conversation_id");
        await ChatAsync(_name, "first");
        var renamed = await node.AskAsync("GET", $"/cdb/api/RenameConversation?name={_name}&new_name={_name}-2&key={Key}");
        Assert.Equal($"{_name}-2", renamed.Json.GetProperty("data").Text("conversation_name"));

        await node.Node.CrashAsync();
        await ChatAsync($"{_name}-2", "second");
        await ChatAsync(id!, "third");

        var chats = node.Node.Sandbox.Coze.Chats.Where(chat => chat.Prompt.Contains(_name, StringComparison.Ordinal)).ToList();
        Assert.Equal(3, chats.Count);
        Assert.Single(chats.Select(chat => chat.ConversationId).Distinct());
        Assert.Equal(400, (await node.AskAsync("GET", $"/cdb/api/Chat?name={_name}&prompt=old&key={Key}")).Status);
        var listed = await node.AskAsync("GET", $"/cdb/api/GetConversations?key={Key}");
        Assert.Equal(id, listed.Json.GetProperty("data").Text($"{_name}-2"));

        var deleted = await node.AskAsync("POST", "/cdb/api/DeleteConversation", $"name={id}&key={Key}");
        Assert.Equal("""{"status":true}""", deleted.Json.GetProperty("data").GetRawText());
        var found = await node.AskAsync("GET", $"/cdb/api/ConversationIsFound?name={id}&key={Key}");
        Assert.Equal((200, """{"status":false}"""), (found.Status, found.Json.GetProperty("data").GetRawText()));

        async Task ChatAsync(string name, string text)
        {
            var answer = await node.AskAsync("POST", "/cdb/api/Chat", $$"""{"name":"{{name}}","prompt":"{{text}} of {{_name}}"}""", ("key", Key));
            Assert.Equal(200, answer.Status);
        }
    }

    [Fact]
    public async Task Cdb_replay_latest_message_after_a_lost_connection()
    {
        await node.AskAsync("GET", $"/cdb/api/CreateConversation?name={_name}&key={Key}");
        var response = await node.SendAsync("GET", $"/cdb/api/ChatStream?name={_name}&prompt={_name}%20%5B%5Bchunks=40%20pace=25ms%5D%5D&key={Key}");
        var body = await response.Content.ReadAsStreamAsync(TestTimeout.Token);
        Assert.True(await body.ReadAsync(new byte[1], TestTimeout.Token) > 0);
        response.Dispose();

        var chat = await node.Node.Sandbox.Coze.WaitForChatAsync(
            chat => chat.Prompt.Contains(_name, StringComparison.Ordinal) && chat.Answers.Count > 0, TestTimeout.Token);
        var timeout = TestTimeout.Token;
        string? text;
        do
        {
            var latest = await node.AskAsync("GET", $"/cdb/api/GetLatestMessage?name={_name}&key={Key}");
            Assert.True(latest.Json.GetProperty("data").GetProperty("status").GetBoolean());
            text = latest.Json.GetProperty("data").Text("prompt");
        }
        while (text != chat.Answers[0] && !timeout.IsCancellationRequested);

        Assert.Equal(chat.Answers[0], text);
        Assert.False(chat.Canceled);
    }

    [Fact]
    public async Task Cdb_replay_bot_without_a_key()
    {
        await node.AskAsync("GET", $"/open/api/CreateConversation?name={_name}");
        var (status, json) = await node.AskAsync("GET", $"/open/api/Chat?name={_name}&prompt=Hi");

        Assert.Equal((200, "成功!"), (status, json.Text("message")));
        Assert.Equal(403, (await node.AskAsync("GET", $"/open/api/Chat?name={_name}&prompt=Hi&key=wrong-key")).Status);
    }

    [Fact]
    public async Task Cdb_replay_chat_completions_stream_by_default()
    {
        using var response = await node.SendAsync(
            "POST", "/cdb/v1/chat/completions", """{"model":"gpt-4","messages":[{"role":"user","content":"[[say=\"one two\" chunk=4]]"}]}""",
            ("Authorization", $"Bearer {Key}"));
        var events = await OlderNode.ReadEventsAsync(response);

        Assert.Equal("[DONE]", events[^1]);
        var chunks = events.SkipLast(1).Select(data => JsonDocument.Parse(data).RootElement).ToList();
        Assert.All(chunks, chunk => Assert.Equal(("chatcmpl-default", "gpt-4"), (chunk.Text("id"), chunk.Text("model"))));
        Assert.Equal("""{"role":"assistant","content":""}""", chunks[0].GetProperty("choices")[0].GetProperty("delta").GetRawText());
        Assert.Equal("one two", string.Concat(chunks.Select(chunk => chunk.GetProperty("choices")[0].GetProperty("delta").Text("content"))));
    }

    [Fact]
    public async Task Cdb_replay_models_and_images()
    {
        var models = await node.AskAsync("GET", "/cdb/v1/models", null, ("Authorization", $"Bearer {Key}"));
        Assert.Contains("gpt-3.5-turbo", models.Json.GetProperty("data").EnumerateArray().Select(model => model.Text("id")));

        var images = await node.AskAsync(
            "POST", "/cdb/v1/images/generations", """{"prompt":"一只猫 [[image]]"}""", ("Authorization", $"Bearer {Key}"));
        Assert.StartsWith("http", Assert.Single(images.Json.GetProperty("data").EnumerateArray()).Text("url"), StringComparison.Ordinal);
        Assert.Contains(node.Node.Sandbox.Coze.Chats, chat => chat.Prompt.Contains("画图一只猫", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cdb_replay_state_of_bots()
    {
        Assert.True((await node.AskAsync("GET", $"/cdb/api/IsBotOnline?key={Key}")).Json.GetProperty("data").GetProperty("status").GetBoolean());
        Assert.Equal(1, (await node.AskAsync("GET", $"/cdb/api/protocol/GetLoginCount?key={Key}")).Json.GetProperty("data").GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Cdb_replay_keepalive_sends_its_message()
    {
        Assert.Equal(200, (await node.AskAsync("GET", $"/calm/api/keepalive?key={Key}")).Status);

        await node.Node.Sandbox.Coze.WaitForChatAsync(chat => chat.Prompt.Contains("still there?", StringComparison.Ordinal), TestTimeout.Token);
    }

    [Theory]
    [InlineData("GET", "/cdb/api/nowhere", 404, "终结点不存在")]
    [InlineData("GET", "/far/Ping", 403, "无权访问本服务")]
    public async Task Cdb_replay_errors(string method, string path, int status, string message)
    {
        var answer = await node.AskAsync(method, path);

        Assert.Equal((status, status, message), (answer.Status, answer.Json.GetProperty("code").GetInt32(), answer.Json.Text("message")));
    }

    /// <summary>The node of these tests.</summary>
    public sealed class BridgeNode : OlderNode
    {
        protected override string Endpoints => """
              - { id: cdb, path: /cdb, compat: cdb, options: { default_model: gpt-3.5-turbo } }
              - { id: open, path: /open, compat: cdb, anonymous: main, options: { default_model: gpt-3.5-turbo } }
              - { id: far, path: /far, compat: cdb, networks: [10.11.12.13] }
              - { id: calm, path: /calm, compat: cdb, options: { default_model: idle, keepalive_message: "still there?" } }
            """;
    }
}
