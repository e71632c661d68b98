using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Chat;

public sealed class ChatCompletionTests
{
    [Fact]
    public async Task Completion_has_exactly_this_JSON()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(
            new Cursor(2, 1),
            Reply.Text("He"), Reply.Text("llo", offset: 2), Reply.Item(1, new FollowUpItem("f", "And?")), Reply.Item(2, new OtherItem("n", "verbose", "v")),
            Reply.Stop(new Usage(3, 2, 5), origin: new ReplyOrigin("b1", "coze", new Dictionary<string, string>())));

        using var response = await host.Chat(GatewayHost.Body());

        var turnId = response.ReadTurnId();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(
            $$$"""
            {"id":"chatcmpl-{{{turnId[5..]}}}","object":"chat.completion","created":1767225600,"model":"bot",
            "choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null,"annotations":[]},
            "logprobs":null,"finish_reason":"stop"}],
            "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},
            "cozecluster":{"turn_id":"{{{turnId}}}","conversation_id":null,"origin":{"bot":"b1","upstream":"coze","ids":{}},
            "follow_ups":["And?"],"events":[{"type":"notice","id":"n","kind":"verbose","content":"v"}]}}
            """.ReplaceLineEndings(""),
            await response.Content.ReadAsStringAsync());
        Assert.Empty(host.Grains.Tenant.Settled);
    }

    [Theory]
    [InlineData("user system", "User System")]
    [InlineData("system user assistant system", "System User Assistant User")]
    [InlineData("user assistant developer system", "User Assistant User User")]
    [InlineData("system", "User")]
    [InlineData("system system", "System User")]
    public async Task Instructions_after_an_answer_are_the_prompt(string sent, string received)
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        var messages = string.Join(',', sent.Split(' ').Select(role => $$"""{"role":"{{role}}","content":"{{role}}"}"""));

        using var response = await host.Chat($$"""{"model":"bot","messages":[{{messages}}]}""");

        Assert.Equal(received, string.Join(' ', host.Grains.Conversations.Single().Request!.Messages.Select(message => message.Role)));
    }

    [Fact]
    public async Task Id_of_tool_call_leads_to_its_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Request!.ToolOutputs.Count > 0
            ? conversation.Post(new Cursor(0, 2), Reply.Text("ok"), Reply.Stop())
            : conversation.Post(new Cursor(0, 1), Reply.Item(0, new ToolCallItem("far", "now", "{}", true)), Reply.Stop(reason: FinishReason.ToolCalls));
        using var first = await host.Chat(GatewayHost.Body());
        var choice = (await first.ReadJson()).GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        var call = choice.GetProperty("message").GetProperty("tool_calls")[0];
        var id = call.GetProperty("id").GetString();

        using var second = await host.Chat(
            $$"""
            {"model":"bot","messages":[
              {"role":"user","content":"Time?"},
              {"role":"assistant","content":null,"tool_calls":[ {{call.GetRawText()}} ]},
              {"role":"tool","tool_call_id":"{{id}}","content":"noon"}]}
            """);

        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        TurnId.TryGetConversation(first.ReadTurnId(), out var key);
        var conversation = host.Grains.Conversation(key);
        Assert.Equal([new ToolOutput(id!, "noon")], conversation.Request!.ToolOutputs);
        Assert.Equal(["begin", "begin"], conversation.Calls);
    }

    [Fact]
    public async Task Only_unnamed_conversation_without_idempotency_key_gets_a_first_call()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var fresh = await host.Chat(GatewayHost.Body());
        using var repeatable = await host.Stream(change: request => request.Headers.Add("Idempotency-Key", "again"));
        using var named = await host.Stream(change: request => request.Headers.Add("x-conversation-id", "name"));

        Assert.All([fresh, repeatable, named], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        TurnId.TryGetConversation(fresh.ReadTurnId(), out var key);
        Assert.Equal([key], host.Grains.FirstCalls);
    }

    [Fact]
    public async Task Only_one_call_is_marked_as_first_call()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new ClusterException(ErrorCode.CallRejected, "No answer.");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(["begin", "cancel"], host.Grains.Conversations.Single().Calls);
        Assert.Single(host.Grains.FirstCalls);
    }

    [Fact]
    public async Task Failure_after_text_has_its_own_status()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamTimeout, "Silent."));

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("upstream_timeout", await response.ReadError("code"));
    }

    [Fact]
    public async Task Failed_begin_releases_the_admission()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new ClusterException(ErrorCode.ConversationBusy, "Too many waiting.");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal([host.Grains.Conversations.Single().Request!.TurnId], host.Grains.Tenant.Settled);
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task Tenant_at_its_limit_is_asked_first_for_one_second()
    {
        await using var host = await GatewayHost.Start();
        var refusal = host.Grains.Tenant.Refusal = new Error(ErrorCode.RateLimited, "Enough.");
        host.Grains.OnBegin = _ => throw refusal.ToException();

        using var first = await host.Chat(GatewayHost.Body());
        using var second = await host.Chat(GatewayHost.Body());

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode));
        Assert.Single(host.Grains.Conversations, conversation => conversation.Calls.Contains("begin"));

        host.Time.Advance(TimeSpan.FromSeconds(1));
        using var third = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.TooManyRequests, third.StatusCode);
        Assert.Equal(2, host.Grains.Conversations.Count(conversation => conversation.Calls.Contains("begin")));
    }

    [Fact]
    public async Task Media_is_stored_only_if_the_tenant_admits_the_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Tenant.Refusal = new Error(ErrorCode.RateLimited, "Enough.");

        using var response = await host.Chat(
            """{"model":"bot","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,aGVsbG8="}}]}]}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Single(host.Grains.Tenant.Admitted);
        Assert.Empty(host.Blobs.Stored);
        Assert.All(host.Grains.Conversations, conversation => Assert.Empty(conversation.Calls));
    }

    [Fact]
    public async Task Unexpected_error_shows_no_details()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new InvalidDataException("secret detail");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains(host.Log.Lines, line => line.Contains("secret detail", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Conversation_name_from_body_or_header_is_returned()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var fromBody = await host.Chat(GatewayHost.Body(""","conversation_id":"mine" """));
        using var fromHeader = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("x-conversation-id", "mine"));
        using var both = await host.Stream(GatewayHost.Body(""","conversation_id":"mine" """), request => request.Headers.Add("x-conversation-id", "other"));

        Assert.Equal("mine", fromBody.Headers.GetValues("x-conversation-id").Single());
        Assert.Equal("mine", (await fromBody.ReadJson()).GetProperty("cozecluster").GetProperty("conversation_id").GetString());
        Assert.Equal("mine", fromHeader.Headers.GetValues("x-conversation-id").Single());
        Assert.Equal(["begin", "begin"], host.Grains.Conversation(FakeFleet.KnownIds.KeyOf("acme", "mine")).Calls);
        Assert.Equal(HttpStatusCode.BadRequest, both.StatusCode);
        Assert.Equal("conversation_id", await both.ReadError("param"));
    }

    [Fact]
    public async Task Same_idempotency_key_gives_same_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var first = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));
        using var second = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));

        Assert.Equal(first.Headers.GetValues("x-turn-id"), second.Headers.GetValues("x-turn-id"));
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.NotNull(host.Grains.Conversations.Single().Request!.Fingerprint);
    }

    [Fact]
    public async Task Idempotency_key_with_another_body_does_not_affect_the_first_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation =>
        {
            if (conversation.Snapshot is not null) throw new ClusterException(ErrorCode.IdempotencyMismatch, "Another body.");
            conversation.Snapshot = new TurnSnapshot(
                conversation.Request!.TurnId, TurnStatus.Running, "bot", null, host.Time.GetUtcNow(), null, [], [], default, null);
            return conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        };
        using var first = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));
        using var second = await host.Stream(GatewayHost.Body(",\"n\":1"), request => request.Headers.Add("idempotency-key", "k1"));

        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        Assert.Equal("false", second.Headers.GetValues("x-should-retry").Single());
        Assert.Empty(host.Grains.Tenant.Settled);
    }

    [Fact]
    public async Task Turn_with_unknown_result_of_begin_is_cancelled()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new ClusterException(ErrorCode.CallRejected, "away");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(["begin", "cancel"], host.Grains.Conversations.Single().Calls);
        Assert.Single(host.Grains.Tenant.Settled);
    }

    [Fact]
    public async Task Tool_results_for_an_expired_reply_are_rejected()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = _ => throw new ClusterException(ErrorCode.NotFound, "expired");
        var id = "call_" + FakeFleet.KnownIds.NewTurn("acme", null)[5..] + "_0";

        using var response = await host.Chat($$"""{"model":"bot","messages":[{"role":"tool","tool_call_id":"{{id}}","content":"noon"}]}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("expired", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Request_log_line_does_not_contain_the_prompt()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.OnBegin = conversation => conversation.Post(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var response = await host.Chat("""{"model":"bot","messages":[{"role":"user","content":"my secret"}]}""");

        static bool IsRequestLine(string line) => line.Contains("request req_", StringComparison.Ordinal);
        await Until.True(() => host.Log.Lines.Any(IsRequestLine));
        var line = host.Log.Lines.Single(IsRequestLine);
        Assert.Contains("POST /v1/chat/completions 200", line, StringComparison.Ordinal);
        Assert.Contains(response.ReadTurnId(), line, StringComparison.Ordinal);
        Assert.Contains("prompt of 9 characters", line, StringComparison.Ordinal);
        Assert.DoesNotContain(
            host.Log.Lines, line => line.Contains("my secret", StringComparison.Ordinal) || line.Contains("sk-test", StringComparison.Ordinal));
    }
}
