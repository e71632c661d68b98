using System.Net;
using System.Net.Sockets;
using System.Text;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

public sealed class ChatChoicesTests
{
    [Fact]
    public async Task Whole_reply_has_exactly_this_JSON()
    {
        await using var host = await Start(
            [Reply.Text("A"), Reply.Item(1, new FollowUpItem("f", "And?")), Reply.Stop(new Usage(3, 2, 5))],
            [Reply.Text("B"), Reply.Stop(new Usage(3, 4, 7), FinishReason.Length)]);

        using var response = await host.Chat(Body(2));

        var ids = ReadTurnIds(response);
        Assert.Equal(
            $$$"""
            {"id":"chatcmpl-{{{ids[0][5..]}}}","object":"chat.completion","created":1767225600,"model":"bot",
            "choices":[{"index":0,"message":{"role":"assistant","content":"A","refusal":null,"annotations":[]},
            "logprobs":null,"finish_reason":"stop","cozecluster":{{{Extension(ids[0], "\"And?\"")}}}},
            {"index":1,"message":{"role":"assistant","content":"B","refusal":null,"annotations":[]},
            "logprobs":null,"finish_reason":"length","cozecluster":{{{Extension(ids[1], "")}}}}],
            "usage":{"prompt_tokens":6,"completion_tokens":6,"total_tokens":12}}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
        Assert.Equal(2, host.Grains.Conversations.Count);
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
        Assert.All(host.Grains.Conversations, conversation => Assert.DoesNotContain("cancel", conversation.Calls));

        static string Extension(string id, string followUps) =>
            $$"""{"turn_id":"{{id}}","conversation_id":null,"follow_ups":[{{followUps}}],"events":[]}""";
    }

    [Fact]
    public async Task Stream_has_exactly_these_bytes()
    {
        await using var host = await Start(
            [Reply.Text("A"), Reply.Stop(new Usage(3, 2, 5))],
            [Reply.Reasoning("hm"), Reply.Text("B", part: 1), Reply.Stop()]);

        using var response = await host.Stream(Body(2, ""","stream":true,"stream_options":{"include_usage":true}"""));

        var ids = ReadTurnIds(response);
        var head = $$"""{"id":"chatcmpl-{{ids[0][5..]}}","object":"chat.completion.chunk","created":1767225600,"model":"bot","choices":""";
        Assert.Equal(
            $$$"""
            data: {{{head}}}[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":1,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":0,"delta":{"content":"A"},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,"cozecluster":{{{Extension(ids[0])}}}}

            data: {{{head}}}[{"index":1,"delta":{"reasoning_content":"hm"},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":1,"delta":{"content":"B"},"finish_reason":null}],"usage":null}

            data: {{{head}}}[{"index":1,"delta":{},"finish_reason":"stop"}],"usage":null,"cozecluster":{{{Extension(ids[1])}}}}

            data: {{{head}}}[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}

            data: [DONE]


            """,
            await response.Content.ReadAsStringAsync());
        Assert.Equal(0, host.Grains.Feeds.OpenCount);

        static string Extension(string id) => $$"""{"turn_id":"{{id}}","conversation_id":null,"follow_ups":[]}""";
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(null, 1)]
    [InlineData(1, 5)]
    public async Task More_choices_than_turns_at_the_same_time_are_an_invalid_n(int? ofTenant, int? ofKey)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Fleet.MaxConcurrentTurns = ofTenant;
        var hash = GrainKeys.ApiKeyHash("sk-test");
        host.Grains.Fleet.Keys[hash] = host.Grains.Fleet.Keys[hash] with { Limits = new LimitsDefinition { MaxConcurrentTurns = ofKey } };

        using var response = await host.Chat(Body(2));

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("\"param\":\"n\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task Replies_are_taken_in_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = async conversation =>
        {
            for (var i = 0; i < 3; i++) await conversation.Post(new Cursor(0, i + 1), Reply.Text($"{i}", offset: i));
            await conversation.Post(new Cursor(0, 3), Reply.Stop());
        };

        using var response = await host.Stream(Body(3, ",\"stream\":true"));
        var events = await SseReader.ReadAll(response);

        Assert.Equal("0.0 1.0 2.0 0.1 1.1 2.1 0.2 1.2 2.2", string.Join(' ', events.Where(e => e.Text.Length > 0).Select(e => $"{IndexOf(e)}.{e.Text}")));
        Assert.Equal("[DONE]", events[^1].Data);
        Assert.All(events, e => Assert.Equal("", e.Id));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Stream_OneFailsAfterText_EndsWithTheErrorAndCancelsTheOthers(int failing)
    {
        await using var host = await Start([Reply.Text("A")], [Reply.Text("B")]);
        using var response = await host.Stream(Body(2, ",\"stream\":true"));
        await using var reader = new SseReader(response);
        for (var i = 0; i < 4; i++) await reader.Next();
        var conversations = ReadTurnIds(response).Select(id => ConversationOf(host, id)).ToList();

        await conversations[failing].Post(new Cursor(0, 1), Reply.Failed(ErrorCode.UpstreamFailed, "Coze says no."));

        var error = (await reader.Next())!;
        Assert.Equal("Coze says no.", error.Json.GetProperty("error").GetProperty("message").GetString());
        Assert.Null(await reader.Next());
        Assert.True(reader.IsCut);
        await conversations[1 - failing].Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain("cancel", conversations[failing].Calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task OneFailsBeforeTheResponse_AnswersTheErrorAndCancelsTheOthers(bool stream)
    {
        await using var host = await Start([], [Reply.Failed(ErrorCode.ContextLengthExceeded, "Too long.")]);

        using var response = await host.Chat(Body(2, stream ? ",\"stream\":true" : ""));

        Assert.Equal((HttpStatusCode.BadRequest, "Too long."), (response.StatusCode, await response.ReadError("message")));
        Assert.Equal("begin cancel", string.Join(' ', ConversationOf(host, ReadTurnIds(response)[0]).Calls));
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task OneCannotBeStarted_AnswersTheErrorAndCancelsTheOthers()
    {
        var begun = 0;
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => Interlocked.Increment(ref begun) == 2
            ? throw new ClusterException(ErrorCode.RateLimited, "Too many turns.")
            : Task.CompletedTask;

        using var response = await host.Chat(Body(3));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal(["begin", "begin cancel", "begin cancel"], host.Grains.Conversations.Select(conversation => string.Join(' ', conversation.Calls)).Order());
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_that_disconnects_cancels_all_turns(bool stream)
    {
        await using var host = await Start(stream ? [Reply.Text("A")] : [], [], []);
        using var stop = new CancellationTokenSource();
        var sending = host.Stream(Body(3, stream ? ",\"stream\":true" : ""), cancellationToken: stop.Token);
        if (stream) (await sending).Dispose();
        await Until.True(() => host.Grains.Conversations.Count == 3 && host.Grains.Conversations.All(conversation => conversation.Feed is not null));
        await stop.CancelAsync();

        await Task.WhenAll(host.Grains.Conversations.Select(conversation => conversation.Cancelled.Task)).WaitAsync(TimeSpan.FromSeconds(30));
        await Until.True(() => host.Grains.Feeds.OpenCount == 0);
    }

    [Fact]
    public async Task Silent_turns_get_keep_alives()
    {
        await using var host = await Start([Reply.Text("A")], []);
        using var response = await host.Stream(Body(2, ",\"stream\":true"));
        await using var reader = new SseReader(response);
        for (var i = 0; i < 3; i++) await reader.Next();

        for (var i = 0; i < 2; i++)
        {
            var comment = reader.NextComment();
            await Until.True(() =>
            {
                host.Time.Advance(TimeSpan.FromSeconds(1));
                return comment.IsCompleted;
            });
            Assert.Equal(": keep-alive", await comment);
        }
    }

    [Fact]
    public async Task Turns_of_a_client_that_takes_nothing_get_heartbeats()
    {
        await using var host = await GatewayHost.Start();
        using var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync("127.0.0.1", host.Http.BaseAddress!.Port);
        var body = Body(2, ",\"stream\":true");
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(
            "POST /v1/chat/completions HTTP/1.0\r\nhost: a\r\nauthorization: Bearer sk-test\r\n" +
            $"content-type: application/json\r\ncontent-length: {body.Length}\r\n\r\n{body}"));
        await Until.True(() => host.Grains.Conversations.Count == 2 && host.Grains.Conversations.All(conversation => conversation.Feed is not null));
        foreach (var conversation in host.Grains.Conversations)
        {
            for (var length = 0; await conversation.Post(new Cursor(0, length + 4000), Reply.Text(new string('x', 4000), offset: length)) != ReplyAck.Full;)
                length += 4000;
        }

        await Until.True(() =>
        {
            host.Time.Advance(TimeSpan.FromSeconds(1));
            return host.Grains.Conversations.All(conversation => conversation.Calls.Count(call => call.StartsWith("read", StringComparison.Ordinal)) >= 3);
        });
        Assert.All(host.Grains.Conversations, conversation => Assert.DoesNotContain("cancel", conversation.Calls));
    }

    [Fact]
    public async Task Tool_calls_have_ids_of_their_own_turns()
    {
        await using var host = await Start(Call("a"), Call("b"));

        using var response = await host.Chat(Body(2));

        var choices = (await response.ReadJson()).GetProperty("choices");
        Assert.Equal(
            ReadTurnIds(response).Select(id => $"call_{id[5..]}_0"),
            choices.EnumerateArray().Select(choice => choice.GetProperty("message").GetProperty("tool_calls")[0].GetProperty("id").GetString()));

        static ReplyEvent[] Call(string name) =>
            [Reply.Item(0, new ToolCallItem("far", name, "{}", ForClient: true)), Reply.Stop(reason: FinishReason.ToolCalls)];
    }

    [Fact]
    public async Task Media_is_stored_once_and_all_turns_refer_to_it()
    {
        await using var host = await Start([Reply.Stop()], [Reply.Stop()], [Reply.Stop()]);

        using var response = await host.Chat(
            """
            {"model":"bot","n":3,"messages":[{"role":"user","content":[{"type":"text","text":"What?"},
            {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}
            """);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var stored = Assert.Single(host.Blobs.Stored).Ref;
        Assert.Equal(3, host.Grains.Conversations.Count);
        Assert.All(
            host.Grains.Conversations,
            conversation => Assert.Equal(stored, Assert.IsType<ImageContent>(conversation.Request!.Messages.Single().Content[1]).Source.Blob));
    }

    [Fact]
    public void Usage_is_the_sum_of_what_the_turns_report()
    {
        Assert.Null(CompletionJson.Sum([null, null]));
        Assert.Equal(
            new Usage(7, 6, 13) { CachedInputTokens = 2, ReasoningTokens = 4, IsEstimated = true },
            CompletionJson.Sum(
            [
                new Usage(3, 2, 5) { CachedInputTokens = 2, ReasoningTokens = 1 }, null, new Usage(4, 4, 8) { ReasoningTokens = 3, IsEstimated = true },
            ]));
    }

    [Fact]
    public async Task Each_turn_of_a_language_model_has_its_own_seed()
    {
        await using var host = await Start([Reply.Stop()], [Reply.Stop()], [Reply.Stop()]);

        using var response = await host.Chat($$"""{"model":"{{FakeFleet.LanguageModel}}","n":3,"seed":7,"messages":[{"role":"user","content":"Hi"}]}""");

        Assert.Equal([7, 8, 9], ReadTurnIds(response).Select(id => ConversationOf(host, id).Request!.Settings.Seed));
    }

    [Theory]
    [InlineData(""","conversation_id":"talk" """, null)]
    [InlineData("", "x-conversation-id")]
    [InlineData("", "idempotency-key")]
    [InlineData("", "x-turn-survive")]
    public async Task What_belongs_to_one_turn_is_refused(string more, string? header)
    {
        await using var host = await Start();

        using var response = await host.Stream(Body(2, more), request =>
        {
            if (header is not null) request.Headers.Add(header, "1");
        });

        Assert.Equal((HttpStatusCode.BadRequest, "n"), (response.StatusCode, await response.ReadError("param")));
        Assert.Empty(host.Grains.Conversations);
    }

    [Fact]
    public async Task Results_of_tool_calls_are_refused()
    {
        await using var host = await Start([Reply.Item(0, new ToolCallItem("far", "now", "{}", ForClient: true)), Reply.Stop(reason: FinishReason.ToolCalls)]);
        using var first = await host.Chat(GatewayHost.Body());
        var id = $"call_{first.ReadTurnId()[5..]}_0";

        using var response = await host.Chat($$"""{"model":"bot","n":2,"messages":[{"role":"tool","tool_call_id":"{{id}}","content":"noon"}]}""");

        Assert.Equal((HttpStatusCode.BadRequest, "n"), (response.StatusCode, await response.ReadError("param")));
        Assert.Single(host.Grains.Conversations);
    }

    [Theory]
    [InlineData("0")]
    [InlineData("9")]
    [InlineData("1.5")]
    [InlineData("\"2\"")]
    [InlineData("-1")]
    public async Task Number_out_of_range_is_refused(string n)
    {
        await using var host = await Start();

        using var response = await host.Chat(GatewayHost.Body($",\"n\":{n}"));

        Assert.Equal((HttpStatusCode.BadRequest, "n"), (response.StatusCode, await response.ReadError("param")));
    }

    /// <summary>Starts a host whose turns reply, in the order in which they begin. Without a reply, a turn stays silent.</summary>
    private static async Task<GatewayHost> Start(params ReplyEvent[][] replies)
    {
        var host = await GatewayHost.Start();
        var begun = 0;
        host.Grains.OnBegin = conversation => replies[Interlocked.Increment(ref begun) - 1] is { Length: > 0 } events
            ? conversation.Post(new Cursor(events.OfType<ReplyText>().LastOrDefault()?.Part ?? 0, 1), events)
            : Task.CompletedTask;
        return host;
    }

    private static string Body(int choices, string more = "") => GatewayHost.Body($",\"n\":{choices}{more}");

    private static string[] ReadTurnIds(HttpResponseMessage response) => response.ReadTurnId().Split(',');

    private static int IndexOf(SseEvent chunk) => chunk.Json.GetProperty("choices")[0].GetProperty("index").GetInt32();

    private static FakeConversation ConversationOf(GatewayHost host, string turnId)
    {
        Assert.True(TurnId.TryGetConversation(turnId, out var key));
        return host.Grains.Conversation(key);
    }
}
