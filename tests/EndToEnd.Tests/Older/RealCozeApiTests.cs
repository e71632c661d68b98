using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace CozeCluster.EndToEnd.Tests.Older;

/// <summary>Requests as Real-Coze-API's README, code and pages show them, and answers of the same shape.</summary>
public sealed class RealCozeApiTests(RealCozeApiFixture node) : IClassFixture<RealCozeApiFixture>
{
    private const string Uuid = "0936c0b8-d3c8-42b1-b63e-548cfbe25077";

    [Fact]
    public async Task Rca_http_mode_answers_with_the_final_object()
    {
        var (history, mark) = NewHistory("say=\"我记得你问我认不认得你，夏生先生。\"");

        using var response = await node.PostAsync(RealCozeApiFixture.Http, history);

        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"content":"我记得你问我认不认得你，夏生先生。","continue":false,"reply_type":1}""", await response.Content.ReadAsStringAsync());
        var chat = Assert.Single(node.Coze.Chats, chat => chat.Prompt.Contains(mark, StringComparison.Ordinal));
        Assert.Equal(["user", "assistant", "user"], chat.RequestMessages.Select(message => message.Role));
        Assert.Equal("夏生先生！当然认得了！有什么事吗？夜深了，这么晚还不休息？", chat.RequestMessages[1].Content);
    }

    [Fact]
    public async Task Rca_stream_mode_sends_objects_without_delimiters_and_the_last_one_twice()
    {
        var (history, _) = NewHistory("text=unicode chunks=20 chunk=3 pace=20ms");

        using var response = await node.PostAsync(RealCozeApiFixture.Stream, history, "/?stream=true");
        var received = await response.Content.ReadAsStringAsync();

        var objects = SplitAsTheOldClientDoes(received);
        Assert.True(objects.Count > 3, "The reply did not grow.");
        Assert.All(objects.SkipLast(2), one => Assert.True(one.GetProperty("continue").GetBoolean()));
        Assert.All(objects.TakeLast(2), one => Assert.False(one.GetProperty("continue").GetBoolean()));
        Assert.Equal(objects[^2].GetRawText(), objects[^1].GetRawText());
        var texts = objects.Select(one => one.Text("content")!).ToList();
        Assert.All(texts.Zip(texts.Skip(1)), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rca_stream_mode_texts_with_braces_do_not_break_the_old_client()
    {
        var (history, _) = NewHistory("say=\"if (a) { b(); } else { c(); }\"");

        using var response = await node.PostAsync(RealCozeApiFixture.Stream, history);

        Assert.Equal("if (a) { b(); } else { c(); }", SplitAsTheOldClientDoes(await response.Content.ReadAsStringAsync())[^1].Text("content"));
    }

    [Fact]
    public async Task Rca_stream_that_is_cut_ends_abnormally()
    {
        var (history, _) = NewHistory("chunks=20 error_after=5 error=5000 pace=20ms");

        using var response = await node.PostAsync(RealCozeApiFixture.Stream, history);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Rca_websocket_mode_answers_with_the_uuid_of_the_message()
    {
        var (history, _) = NewHistory("say=\"不好意思，夏生先生。\" chunk=3 pace=20ms");
        using var socket = await node.ConnectAsync(RealCozeApiFixture.WebSocket);

        await RealCozeApiFixture.SendAsync(socket, $$"""{ "uuid": "{{Uuid}}", "data": {{history}} }""");
        var frames = new List<JsonElement>();
        do frames.Add(await RealCozeApiFixture.ReceiveAsync(socket));
        while (frames[^1].GetProperty("data").GetProperty("continue").GetBoolean());

        Assert.All(frames, frame => Assert.Equal(Uuid, frame.Text("uuid")));
        Assert.Equal("不好意思，夏生先生。", frames[^1].GetProperty("data").Text("content"));
        Assert.True(frames.Count > 1, "The reply did not grow.");
    }

    [Fact]
    public async Task Rca_websocket_works_in_every_mode_and_carries_several_chats()
    {
        using var socket = await node.ConnectAsync(RealCozeApiFixture.Http);
        var (slow, _) = NewHistory("say=slow think=1s");
        var (fast, _) = NewHistory("say=fast");

        await RealCozeApiFixture.SendAsync(socket, $$"""{"uuid":"slow","data":{{slow}}}""");
        await RealCozeApiFixture.SendAsync(socket, $$"""{"uuid":"fast","data":{{fast}}}""");
        var last = new List<string?>();
        while (last.Count < 2)
        {
            var frame = await RealCozeApiFixture.ReceiveAsync(socket);
            if (!frame.GetProperty("data").GetProperty("continue").GetBoolean()) last.Add(frame.Text("uuid"));
        }

        Assert.Equal(["fast", "slow"], last);
    }

    [Fact]
    public async Task Rca_websocket_failures_have_the_envelope_of_callbacks()
    {
        var (history, _) = NewHistory("chunks=20 error_after=5 error=5000");
        using var socket = await node.ConnectAsync(RealCozeApiFixture.WebSocket);

        await RealCozeApiFixture.SendAsync(socket, $$"""{"uuid":"{{Uuid}}","data":{{history}}}""");
        var frame = await RealCozeApiFixture.ReceiveAsync(socket);
        while (frame.Get("success").ValueKind == JsonValueKind.Undefined) frame = await RealCozeApiFixture.ReceiveAsync(socket);

        Assert.Equal(["uuid", "success", "data", "errmsg"], frame.EnumerateObject().Select(member => member.Name));
        Assert.NotEmpty(frame.Text("errmsg")!);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("websocket")]
    public async Task Rca_client_that_disconnects_cancels_the_chat_at_Coze(string how)
    {
        var (history, mark) = NewHistory("chunks=100000 pace=50ms");
        using var stop = new CancellationTokenSource();
        using var socket = how == "http" ? null : await node.ConnectAsync(RealCozeApiFixture.WebSocket);
        var pending = socket is null ? node.PostAsync(RealCozeApiFixture.Http, history, cancellationToken: stop.Token) : null;
        if (socket is not null) await RealCozeApiFixture.SendAsync(socket, $$"""{"uuid":"{{Uuid}}","data":{{history}}}""");
        await node.Coze.WaitForChatAsync(chat => chat.Prompt.Contains(mark, StringComparison.Ordinal), TestTimeout.Token);

        socket?.Abort();
        await stop.CancelAsync();

        if (pending is not null) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pending);
        await node.Coze.WaitForChatAsync(chat => chat.Prompt.Contains(mark, StringComparison.Ordinal) && chat.Canceled, TestTimeout.Token);
    }

    [Fact]
    public async Task Rca_keys_protect_an_endpoint_and_a_page_sends_its_key_as_subprotocol()
    {
        var (history, _) = NewHistory("say=hello");

        using (var refused = await node.PostAsync(RealCozeApiFixture.WithKeys, history)) Assert.Equal(401, (int)refused.StatusCode);
        await Assert.ThrowsAsync<WebSocketException>(() => node.ConnectAsync(RealCozeApiFixture.WithKeys, "rca"));
        using var socket = await node.ConnectAsync(RealCozeApiFixture.WithKeys, "rca", $"key.{TestFleet.Key}");
        await RealCozeApiFixture.SendAsync(socket, $$"""{"uuid":"{{Uuid}}","data":{{history}}}""");

        Assert.Equal("hello", (await RealCozeApiFixture.ReceiveAsync(socket)).GetProperty("data").Text("content"));
        Assert.Equal("rca", socket.SubProtocol);
        Assert.DoesNotContain(TestFleet.Key, node.Node.Node.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(RealCozeApiFixture.Http, "http")]
    [InlineData(RealCozeApiFixture.Stream, "stream")]
    [InlineData(RealCozeApiFixture.WebSocket, "ws")]
    public async Task Rca_demo_page_is_that_of_the_mode(string host, string mode)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, "/") { Headers = { Host = host } };
        using var response = await node.Node.Http.SendAsync(request, TestTimeout.Token);

        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType?.ToString());
        Assert.Contains($"data-mode=\"{mode}\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rca_images_and_files_of_a_history_reach_the_bot()
    {
        var (mark, messages) = ($"mark-{Guid.NewGuid():n}", new[]
        {
            new { role = 2, content = """{"image_list":[{"key":"data:image/png;base64,iVBORw0KGgo="}]}""", contentType = 6 },
            new { role = 2, content = """{"file_list":[{"key":"https://example.com/a.pdf"}]}""", contentType = 9 },
            new { role = 2, content = "", contentType = 1 },
        });
        messages[2] = new { role = 2, content = $"{mark} [[say=seen]]", contentType = 1 };

        using var response = await node.PostAsync(RealCozeApiFixture.Http, JsonSerializer.Serialize(messages));

        Assert.Equal(200, (int)response.StatusCode);
        var chat = Assert.Single(node.Coze.Chats, chat => chat.Prompt.Contains(mark, StringComparison.Ordinal));
        Assert.Contains(chat.RequestMessages, message => message.Content.Contains("\"type\":\"image\"", StringComparison.Ordinal));
        Assert.Contains(chat.RequestMessages, message => message.Content.Contains("https://example.com/a.pdf", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rca_knowledge_of_a_history_reaches_the_bot()
    {
        var mark = $"mark-{Guid.NewGuid():n}";

        using var response = await node.PostAsync(
            RealCozeApiFixture.Http, $$"""[{"role":6,"content":"It rains."},{"role":2,"content":"{{mark}} [[say=yes]]"}]""");

        Assert.Equal(200, (int)response.StatusCode);
        var chat = Assert.Single(node.Coze.Chats, chat => chat.Prompt.Contains(mark, StringComparison.Ordinal));
        Assert.StartsWith("It rains.", Assert.Single(chat.RequestMessages).Content, StringComparison.Ordinal);
    }

    /// <summary>The history of the old README, with a prompt that scripts its own reply.</summary>
    private static (string History, string Mark) NewHistory(string directives)
    {
        var mark = $"mark-{Guid.NewGuid():n}";
        var prompt = JsonSerializer.Serialize($"Atri，你还记得我刚刚说了什么吗？ {mark} [[{directives}]]");
        return ($$"""
            [
                { "role": 2, "content": "Atri，你认得我吗" },
                { "role": 1, "content": "夏生先生！当然认得了！有什么事吗？夜深了，这么晚还不休息？" },
                { "role": 2, "content": {{prompt}} }
            ]
            """, mark);
    }

    private static List<JsonElement> SplitAsTheOldClientDoes(string received) =>
        [.. received.Split('}')[..^1].Select(part => JsonDocument.Parse(Encoding.UTF8.GetBytes(part + "}")).RootElement)];
}
