using System.Net;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Chat;

public sealed class ChatCompletionTests
{
    [Fact]
    public async Task A_completion_is_exactly_this_object()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(
            new Cursor(2, 1),
            Reply.Text("He"), Reply.Text("llo", offset: 2), Reply.Item(1, new FollowUpItem("f", "And?")), Reply.Item(2, new OtherItem("n", "verbose", "v")),
            Reply.Stop(new Usage(3, 2, 5), origin: new ReplyOrigin("b1", "coze", new Dictionary<string, string>())));

        using var response = await host.Chat(GatewayHost.Body());

        var turn = response.Headers.GetValues("x-turn-id").Single();
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType!.ToString());
        Assert.Equal(
            $$$$"""{"id":"chatcmpl-{{{{turn[5..]}}}}","object":"chat.completion","created":1767225600,"model":"bot","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5},"cozecluster":{"turn_id":"{{{{turn}}}}","conversation_id":null,"origin":{"bot":"b1","upstream":"coze","ids":{}},"follow_ups":["And?"],"events":[{"type":"notice","id":"n","kind":"verbose","content":"v"}]}}""",
            await response.Content.ReadAsStringAsync());
        Assert.Empty(host.Grains.Tenant.Settled);
    }

    [Fact]
    public async Task Tool_calls_come_with_ids_that_lead_back()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Request!.ToolOutputs.Count > 0
            ? conversation.Tell(new Cursor(0, 2), Reply.Text("ok"), Reply.Stop())
            : conversation.Tell(new Cursor(0, 1), Reply.Item(0, new ToolCallItem("far", "now", "{}", true)), Reply.Stop(reason: FinishReason.ToolCalls));
        using var first = await host.Chat(GatewayHost.Body());
        var choice = (await Json(first)).GetProperty("choices")[0];
        Assert.Equal("tool_calls", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("message").GetProperty("content").ValueKind);
        var call = choice.GetProperty("message").GetProperty("tool_calls")[0];
        var id = call.GetProperty("id").GetString();

        using var second = await host.Chat(
            $$$"""{"model":"bot","messages":[{"role":"user","content":"Time?"},{"role":"assistant","content":null,"tool_calls":[{{{call.GetRawText()}}}]},{"role":"tool","tool_call_id":"{{{id}}}","content":"noon"}]}""");

        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        TurnId.TryGetConversation(first.Headers.GetValues("x-turn-id").Single(), out var key);
        var conversation = host.Grains.Conversation(key);
        Assert.Equal([new ToolOutput(id!, "noon")], conversation.Request!.ToolOutputs);
        Assert.Equal(["begin", "begin"], conversation.Calls);
    }

    [Fact]
    public async Task Only_a_conversation_that_nobody_can_know_of_is_new()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var fresh = await host.Chat(GatewayHost.Body());
        using var repeatable = await host.Stream(change: request => request.Headers.Add("Idempotency-Key", "again"));
        using var named = await host.Stream(change: request => request.Headers.Add("x-conversation-id", "name"));

        Assert.All([fresh, repeatable, named], response => Assert.Equal(HttpStatusCode.OK, response.StatusCode));
        TurnId.TryGetConversation(fresh.Headers.GetValues("x-turn-id").Single(), out var key);
        Assert.Equal([key], host.Grains.New);
    }

    [Fact]
    public async Task Only_the_first_call_of_a_new_conversation_is_marked()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = _ => throw new ClusterException(ErrorCode.CallRejected, "No answer.");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(["begin", "cancel"], host.Grains.Conversations.Single().Calls);
        Assert.Single(host.Grains.New);
    }

    [Fact]
    public async Task Failure_has_its_status_even_after_text()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Failed(ErrorCode.UpstreamTimeout, "Silent."));

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("upstream_timeout", (await Json(response)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Begin_that_fails_gives_the_admission_back()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = _ => throw new ClusterException(ErrorCode.ConversationBusy, "Too many waiting.");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Equal([host.Grains.Conversations.Single().Request!.TurnId], host.Grains.Tenant.Settled);
        Assert.Equal(0, host.Grains.Feeds.OpenCount);
    }

    [Fact]
    public async Task A_tenant_at_its_limit_is_asked_before_its_conversations_for_a_second()
    {
        await using var host = await GatewayHost.Start();
        var refusal = host.Grains.Tenant.Refusal = new Error(ErrorCode.RateLimited, "Enough.");
        host.Grains.Script = _ => throw refusal.ToException();

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
    public async Task What_comes_with_a_turn_is_stored_once_the_tenant_admits_it()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Tenant.Refusal = new Error(ErrorCode.RateLimited, "Enough.");

        using var response = await host.Chat("""{"model":"bot","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,aGVsbG8="}}]}]}""");

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Single(host.Grains.Tenant.Admitted);
        Assert.Empty(host.Blobs.Stored);
        Assert.All(host.Grains.Conversations, conversation => Assert.Empty(conversation.Calls));
    }

    [Fact]
    public async Task A_defect_shows_no_details()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = _ => throw new InvalidDataException("secret detail");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.DoesNotContain("secret", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Contains(host.Log.Lines, line => line.Contains("secret detail", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Conversation_name_comes_from_body_or_header_and_goes_back()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var fromBody = await host.Chat(GatewayHost.Body(""","conversation_id":"mine" """));
        using var fromHeader = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("x-conversation-id", "mine"));
        using var both = await host.Stream(GatewayHost.Body(""","conversation_id":"mine" """), request => request.Headers.Add("x-conversation-id", "other"));

        Assert.Equal("mine", fromBody.Headers.GetValues("x-conversation-id").Single());
        Assert.Equal("mine", (await Json(fromBody)).GetProperty("cozecluster").GetProperty("conversation_id").GetString());
        Assert.Equal("mine", fromHeader.Headers.GetValues("x-conversation-id").Single());
        Assert.Equal(["begin", "begin"], host.Grains.Conversation(TurnId.ConversationKey("acme", "mine")).Calls);
        Assert.Equal(HttpStatusCode.BadRequest, both.StatusCode);
        Assert.Equal("conversation_id", (await Json(both)).GetProperty("error").GetProperty("param").GetString());
    }

    [Fact]
    public async Task Same_idempotency_key_means_same_turn()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var first = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));
        using var second = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));

        Assert.Equal(first.Headers.GetValues("x-turn-id"), second.Headers.GetValues("x-turn-id"));
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);
        Assert.NotNull(host.Grains.Conversations.Single().Request!.Fingerprint);
    }

    [Fact]
    public async Task Idempotency_key_with_another_body_leaves_the_first_turn_alone()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation =>
        {
            if (conversation.Snapshot is not null) throw new ClusterException(ErrorCode.IdempotencyMismatch, "Another body.");
            conversation.Snapshot = new TurnSnapshot(conversation.Request!.TurnId, TurnStatus.Running, "bot", null, host.Time.GetUtcNow(), null, [], [], default, null);
            return conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());
        };
        using var first = await host.Stream(GatewayHost.Body(), request => request.Headers.Add("idempotency-key", "k1"));
        using var second = await host.Stream(GatewayHost.Body(",\"n\":1"), request => request.Headers.Add("idempotency-key", "k1"));

        Assert.Equal(HttpStatusCode.Conflict, second.StatusCode);
        Assert.Equal("false", second.Headers.GetValues("x-should-retry").Single());
        Assert.Empty(host.Grains.Tenant.Settled);
    }

    [Fact]
    public async Task Turn_of_unknown_fate_is_cancelled()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = _ => throw new ClusterException(ErrorCode.CallRejected, "away");

        using var response = await host.Chat(GatewayHost.Body());

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(["begin", "cancel"], host.Grains.Conversations.Single().Calls);
        Assert.Single(host.Grains.Tenant.Settled);
    }

    [Fact]
    public async Task Results_for_a_reply_that_is_gone_are_refused()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = _ => throw new ClusterException(ErrorCode.NotFound, "expired");
        var id = "call_" + TurnId.New("acme", null)[5..] + "_0";

        using var response = await host.Chat($$"""{"model":"bot","messages":[{"role":"tool","tool_call_id":"{{id}}","content":"noon"}]}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("expired", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_request_line_tells_what_happened_without_the_prompt()
    {
        await using var host = await GatewayHost.Start();
        host.Grains.Script = conversation => conversation.Tell(new Cursor(0, 1), Reply.Text("x"), Reply.Stop());

        using var response = await host.Chat("""{"model":"bot","messages":[{"role":"user","content":"my secret"}]}""");

        static bool IsOurs(string line) => line.Contains("request req_", StringComparison.Ordinal);
        await Until.True(() => host.Log.Lines.Any(IsOurs));
        var line = host.Log.Lines.Single(IsOurs);
        Assert.Contains("POST /v1/chat/completions 200", line, StringComparison.Ordinal);
        Assert.Contains(response.Headers.GetValues("x-turn-id").Single(), line, StringComparison.Ordinal);
        Assert.Contains("prompt of 9 characters", line, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Log.Lines, line => line.Contains("my secret", StringComparison.Ordinal) || line.Contains("sk-test", StringComparison.Ordinal));
    }

    private static async Task<JsonElement> Json(HttpResponseMessage response) => JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
}
