using System.Text.Json;
using System.Net;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

public sealed class ChatStreamTests
{
    private static readonly ReplyOrigin Origin = new("b1", "coze", new Dictionary<string, string> { ["chat_id"] = "7" });

    [Fact]
    public async Task Stream_has_exactly_these_bytes()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(0, 5), Reply.Text("He\"l"), Reply.Text("\n", offset: 4), Reply.Stop(new Usage(3, 2, 5), origin: Origin));

        using var response = await host.Stream(GatewayHost.Body(""","stream":true,"stream_options":{"include_usage":true}"""));
        var text = await response.Content.ReadAsStringAsync();

        var turn = response.ReadTurnId();
        var head = $$"""{"id":"chatcmpl-{{turn[5..]}}","object":"chat.completion.chunk","created":1767225600,"model":"bot","choices":""";
        var origin = """{"bot":"b1","upstream":"coze","ids":{"chat_id":"7"}}""";
        var extension = $$"""{"turn_id":"{{turn}}","conversation_id":null,"origin":{{origin}},"follow_ups":[]}""";
        Assert.Equal(
            $$$"""
            data: {{{head}}}[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

            id: 0.4
            data: {{{head}}}[{"index":0,"delta":{"content":"He\"l"},"finish_reason":null}],"usage":null}

            id: 0.5
            data: {{{head}}}[{"index":0,"delta":{"content":"\n"},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,"cozecluster":{{{extension}}}}

            data: {{{head}}}[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

            data: [DONE]


            """,
            text);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/event-stream; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.Equal("no", response.Headers.GetValues("x-accel-buffering").Single());
        Assert.Equal("no-cache", response.Headers.CacheControl!.ToString());
        Assert.NotEmpty(response.Headers.GetValues("x-request-id"));
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Each_kind_of_reply_event_has_its_chunk()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(8, 1),
            Reply.Reasoning("hm"),
            Reply.Item(1, new ToolCallItem("p1", "search", "{}", ForClient: false)),
            Reply.Text("A", part: 2),
            Reply.Text("B", part: 3, answer: 1),
            Reply.Item(4, new ImageItem("i", "https://x.test/a b.png")),
            Reply.Item(5, new KnowledgeItem("k", "fact")),
            Reply.Item(6, new FollowUpItem("f", "More?")),
            Reply.Item(7, new ToolCallItem("c1", "now", "{\"z\":1}", ForClient: true)),
            Reply.Item(8, new ToolCallItem("c2", "then", "", ForClient: true)),
            Reply.Stop(reason: FinishReason.ToolCalls));

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        var turn = response.ReadTurnId();
        Assert.Equal(["", "0.2", "1.1", "2.1", "3.1", "4.1", "5.1", "7.1", "8.1", "", ""], events.Select(e => e.Id));
        Assert.Equal("hm", events[1].Delta.GetProperty("reasoning_content").GetString());
        Assert.Equal("""{"events":[{"type":"tool_call","id":"p1","name":"search","arguments":"{}"}]}""", events[2].Extension.GetRawText());
        Assert.Equal("{}", events[2].Delta.GetRawText());
        Assert.Equal(["A", "\n\nB", "\n\n![image](https://x.test/a%20b.png)\n"], events[3..6].Select(e => e.Delta.GetProperty("content").GetString()));
        Assert.Equal("""{"events":[{"type":"knowledge","id":"k","content":"fact"}]}""", events[6].Extension.GetRawText());
        Assert.Equal(
            $$$"""{"tool_calls":[{"index":0,"id":"call_{{{turn[5..]}}}_0","type":"function","function":{"name":"now","arguments":"{\"z\":1}"}}]}""",
            events[7].Delta.GetRawText());
        Assert.Equal($"call_{turn[5..]}_1", events[8].Delta.GetProperty("tool_calls")[0].GetProperty("id").GetString());
        Assert.Equal("tool_calls", events[9].Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.Equal("""["More?"]""", events[9].Extension.GetProperty("follow_ups").GetRawText());
        Assert.Equal("[DONE]", events[10].Data);
    }

    [Fact]
    public async Task Rewritten_text_is_reported_by_an_extension_event()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(1, 2, 1),
            Reply.Text("A"), Reply.Text("BCD", part: 1, answer: 1), new ReplyRewritten(1, 0), Reply.Text("XY", part: 1, answer: 1), Reply.Stop());

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        Assert.Equal(["", "0.1", "1.3", "1.3", "1.0.1", "1.2.1", "", ""], events.Select(e => e.Id));
        Assert.Equal("""{"rewritten":{"part":1,"offset":0}}""", events[4].Extension.GetRawText());
        Assert.Equal("XY", events[5].Delta.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Rewritten_text_begins_after_a_blank_line_for_clients_that_do_not_know_the_event()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(1, 5, 1),
            Reply.Reasoning("Hm."), Reply.Text("Old text", part: 1), new ReplyRewritten(1, 0), Reply.Text("New", part: 1), Reply.Stop());

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        Assert.Equal("Old text\n\nNew", ContentOf(events));
    }

    [Fact]
    public async Task Rewritten_reasoning_begins_after_a_blank_line_too()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(0, 2, 1),
            Reply.Reasoning("Hmm"), new ReplyRewritten(0, 1), Reply.Reasoning("a", offset: 1), Reply.Stop());

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        Assert.Equal("", ContentOf(events));
        Assert.Equal("Hmm\n\na", ContentOf(events, "reasoning_content"));
    }

    [Fact]
    public async Task Answer_after_rewritten_reasoning_begins_after_a_blank_line()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(2, 1, 1),
            Reply.Text("One"), Reply.Reasoning("Hmm", part: 1), new ReplyRewritten(1, 0), Reply.Text("Two", part: 2, answer: 1), Reply.Stop());

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        Assert.Equal("One\n\nTwo", ContentOf(events));
    }

    [Theory]
    [InlineData(false, "Half")]
    [InlineData(true, "Half\n\n[Error: The bot broke off.]")]
    public async Task Error_is_sent_as_content_too_if_the_key_asks_for_it(bool errorText, string content)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.Keys[GrainKeys.ApiKeyHash("sk-test")] = new ApiKeyInfo("acme", "test", false) { ErrorText = errorText };
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 4), Reply.Text("Half"));
        using var response = await pending;

        await conversation.Post(new Cursor(0, 4), Reply.Failed(ErrorCode.UpstreamProtocol, "The bot broke off."));

        var events = await SseReader.ReadAll(response);
        Assert.Equal(content, ContentOf(events));
        Assert.Contains("\"message\":\"The bot broke off.\"", events[^1].Data, StringComparison.Ordinal);
        Assert.DoesNotContain(events, e => e.Data.Contains("finish_reason\":\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Error_without_text_before_it_is_content_without_a_blank_line()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.Keys[GrainKeys.ApiKeyHash("sk-test")] = new ApiKeyInfo("acme", "test", false) { ErrorText = true };
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 2), Reply.Reasoning("Hm"));
        using var response = await pending;

        await conversation.Post(new Cursor(0, 2), Reply.Failed(ErrorCode.UpstreamProtocol, "The bot broke off."));

        Assert.Equal("[Error: The bot broke off.]", ContentOf(await SseReader.ReadAll(response)));
    }

    [Fact]
    public async Task Nothing_is_sent_before_the_first_content_or_the_end_of_the_start_grace()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await Until.True(() => host.Time.ArmedTimers > 0);
        Assert.False(pending.IsCompleted);

        host.Time.Advance(TimeSpan.FromSeconds(2.1));
        using var response = await pending.WaitAsync(TimeSpan.FromSeconds(30));
        await using var reader = new SseReader(response);
        Assert.Equal("assistant", (await reader.Next())!.Delta.GetProperty("role").GetString());

        await conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        Assert.Equal("x", (await reader.Next())!.Delta.GetProperty("content").GetString());
    }

    [Fact]
    public async Task Error_within_the_start_grace_has_its_status()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            Cursor.Start, Reply.Failed(ErrorCode.UpstreamRateLimited, "Slow down.", host.Time.GetUtcNow().AddSeconds(1.5)));

        using var response = await host.Stream();

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("2", response.Headers.GetValues("retry-after").Single());
        Assert.Equal("1500", response.Headers.GetValues("retry-after-ms").Single());
        Assert.False(response.Headers.Contains("x-should-retry"));
        Assert.Equal(
            """{"error":{"message":"Slow down.","type":"requests","param":null,"code":"rate_limit_exceeded"}}""", await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Quota_errors_say_that_a_retry_does_not_help()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new ClusterException(ErrorCode.QuotaExceeded, "Used up.");

        using var response = await host.Stream();

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        Assert.False(response.Headers.Contains("x-turn-id"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Error_after_text_is_sent_in_the_stream_which_then_ends_abnormally(int version)
    {
        await using var host = await GatewayHost.Start(http2: version == 2, realTime: true);
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(0, 1), Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamUnavailable, "Gone."));

        using var response = await host.Stream();
        await using var reader = new SseReader(response);
        var events = new List<SseEvent>();
        while (await reader.Next() is { } next) events.Add(next);

        Assert.Equal((HttpStatusCode.OK, version), (response.StatusCode, response.Version.Major));
        Assert.Equal(3, events.Count);
        Assert.Equal("""{"error":{"message":"Gone.","type":"server_error","param":null,"code":"upstream_unavailable"}}""", events[2].Data);
        Assert.True(reader.IsCut);
        await Until.True(() => host.Log.Lines.Any(line => line.Contains("error UpstreamUnavailable", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Connection_is_not_used_again_after_a_cut_reply_and_the_next_request_succeeds()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(0, 1), Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamUnavailable, "Gone."));
        using (var cut = await host.Stream()) await SseReader.ReadAll(cut);
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var next = await host.Stream();
        await using var reader = new SseReader(next);
        while (await reader.Next() is not null)
        {
        }

        Assert.False(reader.IsCut);
    }

    [Fact]
    public async Task Quiet_streams_get_keep_alive_comments()
    {
        await using var host = await GatewayHost.Start();
        var pending = host.Stream();
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        using var response = await pending;
        await using var reader = new SseReader(response);
        await reader.Next();
        await reader.Next();

        // The bytes arrive before the server waits again, so a single step of the clock may be too early.
        var comment = reader.NextComment();
        await Until.True(() =>
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            return comment.IsCompleted;
        });
        Assert.Equal(": keep-alive", await comment);

        await conversation.Post(new Cursor(0, 1), Reply.Stop());
        Assert.Equal("stop", (await reader.Next())!.Json.GetProperty("choices")[0].GetProperty("finish_reason").GetString());
    }

    [Theory]
    [InlineData(null, null, "cancel")]
    [InlineData("x-turn-survive", "true", "unsubscribe")]
    [InlineData("idempotency-key", "k", "unsubscribe")]
    public async Task Disconnect_cancels_the_turn_unless_its_reply_may_be_wanted(string? header, string? value, string expected)
    {
        await using var host = await GatewayHost.Start();
        using var abort = new CancellationTokenSource();
        var pending = host.Stream(change: request =>
        {
            if (header is not null) request.Headers.Add(header, value);
        }, cancellationToken: abort.Token);
        var conversation = await host.WaitForTurn();
        await conversation.Post(new Cursor(0, 1), Reply.Text("x"));
        var response = await pending;

        response.Dispose();

        await (expected == "cancel" ? conversation.Cancelled : conversation.Unsubscribed).Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.Contains(expected, conversation.Calls);
        await Until.True(() => host.Grains.Feeds.OpenCount == 0);
    }

    [Fact]
    public async Task Text_keeps_every_character()
    {
        await using var host = await GatewayHost.Start();
        var long1 = string.Concat(Enumerable.Repeat("a😀\u0001\"\\\u2028字", 3000));
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, long1.Length), Reply.Text(long1), Reply.Stop());

        using var response = await host.Stream();
        var events = await SseReader.ReadAll(response);

        Assert.Equal(long1, events[1].Delta.GetProperty("content").GetString());
    }

    private static string ContentOf(List<SseEvent> events, string field = "content") => string.Concat(
        events.Where(e => e.Json.ValueKind == JsonValueKind.Object && e.Json.TryGetProperty("choices", out var choices) && choices.GetArrayLength() > 0)
            .Select(e => e.Delta.TryGetProperty(field, out var text) ? text.GetString() : ""));
}
