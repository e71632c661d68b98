using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CozeCluster.Gateway.Tests.Fakes;

namespace CozeCluster.Gateway.Tests.Surfaces.Turns;

public sealed class TurnsTests : IAsyncLifetime
{
    private readonly string _turnId = FakeFleet.KnownIds.NewTurn("acme", "talk");
    private GatewayHost _host = null!;
    private FakeConversation _conversation = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await GatewayHost.Start();
        TurnId.TryGetConversation(_turnId, out var key);
        _conversation = _host.Grains.Conversation(key);
        _conversation.Snapshot = new TurnSnapshot(
            _turnId, TurnStatus.Running, "bot", "talk", DateTimeOffset.FromUnixTimeSeconds(1700000000), null, [],
            [
                new ReasoningPart("hm"), new TextPart("A"), new ItemPart(new FollowUpItem("f1", "More?")),
                new ItemPart(new ToolCallItem("c1", "now", "{}", true)), new TextPart("Bcd"),
            ],
            new Cursor(4, 3), null);
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Fact]
    public async Task Running_turn_has_its_reply_so_far()
    {
        var text = await _host.Http.GetStringAsync($"/v1/turns/{_turnId}");
        Assert.Equal(
            $$$$"""
            {"id":"{{{{_turnId}}}}","object":"turn","status":"running","model":"bot","conversation_id":"talk","created":1700000000,"ended":null,
            "cursor":"4.3","error":null,
            "reply":{"id":"chatcmpl-{{{{_turnId[5..]}}}}","object":"chat.completion","created":1700000000,"model":"bot",
            "choices":[{"index":0,"message":{"role":"assistant","content":"A\n\nBcd","refusal":null,"reasoning_content":"hm","annotations":[],
            "tool_calls":[{"id":"call_{{{{_turnId[5..]}}}}_0","type":"function","function":{"name":"now","arguments":"{}"}}]},
            "logprobs":null,"finish_reason":null}],
            "usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0},
            "cozecluster":{"turn_id":"{{{{_turnId}}}}","conversation_id":"talk","follow_ups":["More?"],"events":[]}}}
            """.ReplaceLineEndings(""),
            text);
    }

    [Fact]
    public async Task Failed_turn_has_its_error()
    {
        _conversation.Snapshot = _conversation.Snapshot! with
        {
            Status = TurnStatus.Failed,
            EndedAt = DateTimeOffset.FromUnixTimeSeconds(1700000009),
            End = Reply.Failed(ErrorCode.UpstreamOutcomeUnknown, "Unknown."),
        };
        var turn = JsonDocument.Parse(await _host.Http.GetStringAsync($"/v1/turns/{_turnId}")).RootElement;
        Assert.Equal("failed", turn.GetProperty("status").GetString());
        Assert.Equal("upstream_outcome_unknown", turn.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(1700000009, turn.GetProperty("ended").GetInt64());
    }

    [Fact]
    public async Task Unknown_malformed_and_foreign_turns_get_the_same_error()
    {
        var bodies = new HashSet<string>();
        foreach (var path in new[] { FakeFleet.KnownIds.NewTurn("acme", null), "nonsense", "turn_", _turnId.ToUpperInvariant() })
        {
            foreach (var suffix in new[] { "", "/events" })
            {
                using var response = await _host.Http.GetAsync($"/v1/turns/{path}{suffix}");
                Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
                bodies.Add(await response.Content.ReadAsStringAsync());
            }
            using var deleted = await _host.Http.DeleteAsync($"/v1/turns/{path}");
            bodies.Add(await deleted.Content.ReadAsStringAsync());
        }
        using var foreign = new HttpRequestMessage(HttpMethod.Get, $"/v1/turns/{_turnId}");
        foreign.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk-other");
        using var rejected = await _host.Http.SendAsync(foreign);
        Assert.Equal(HttpStatusCode.NotFound, rejected.StatusCode);
        Assert.False(rejected.Headers.Contains("x-turn-id"));
        bodies.Add(await rejected.Content.ReadAsStringAsync());
        Assert.Single(bodies);
    }

    [Fact]
    public async Task Following_from_the_start_streams_everything()
    {
        var events = await Follow("");
        Assert.Equal("assistant", events[0].Delta.GetProperty("role").GetString());
        Assert.Equal("subscribe 0.0", _conversation.Calls.Last());
    }

    [Theory]
    [InlineData("?after=4.1", null)]
    [InlineData("", "4.1")]
    [InlineData("?after=1.0", "4.1")]
    public async Task Following_from_a_cursor_streams_exactly_the_rest(string query, string? header)
    {
        var events = await Follow(query, header);

        Assert.Equal("subscribe 4.1", _conversation.Calls.Last());
        Assert.Equal(["4.3", "5.1", "", ""], events.Select(e => e.Id));
        Assert.Equal("cd", events[0].Text);
        // Earlier parts affect what follows: the numbers of tool calls continue, and the last chunk has all follow-ups.
        Assert.Equal($"call_{_turnId[5..]}_1", events[1].Delta.GetProperty("tool_calls")[0].GetProperty("id").GetString());
        Assert.Equal("""["More?"]""", events[2].Extension.GetProperty("follow_ups").GetRawText());
        Assert.Equal($"chatcmpl-{_turnId[5..]}", events[0].Json.GetProperty("id").GetString());
    }

    [Fact]
    public async Task Usage_is_sent_if_requested()
    {
        var events = await Follow("?after=4.1&include_usage=true");
        Assert.Equal(0, events[^2].Json.GetProperty("choices").GetArrayLength());
    }

    [Theory]
    [InlineData("x")]
    [InlineData("1")]
    [InlineData("-1.0")]
    [InlineData("1.2.3.4")]
    [InlineData("99999999999.0")]
    public async Task Invalid_cursor_is_rejected(string cursor)
    {
        using var response = await _host.Http.GetAsync($"/v1/turns/{_turnId}/events?after={cursor}");
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("\"after\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Follower_that_disconnects_does_not_cancel_the_turn()
    {
        var pending = _host.Http.GetAsync($"/v1/turns/{_turnId}/events?after=4.1", HttpCompletionOption.ResponseHeadersRead);
        await _conversation.NextSubscription();
        await _conversation.Post(new Cursor(4, 2), Reply.Text("c", part: 4, offset: 1, answer: 1));
        (await pending).Dispose();

        await _conversation.Unsubscribed.Task.WaitAsync(TimeSpan.FromSeconds(30));
        Assert.DoesNotContain("cancel", _conversation.Calls);
    }

    [Fact]
    public async Task Delete_cancels_the_turn()
    {
        using var response = await _host.Http.DeleteAsync($"/v1/turns/{_turnId}");
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Contains("cancel", _conversation.Calls);
        Assert.Contains("\"object\":\"turn\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    private async Task<List<SseEvent>> Follow(string query, string? header = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/v1/turns/{_turnId}/events{query}");
        if (header is not null) request.Headers.Add("last-event-id", header);
        var pending = _host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        var subscription = await _conversation.NextSubscription();
        await _conversation.Post(
            new Cursor(5, 1),
            subscription.After == Cursor.Start ? Reply.Reasoning("hm") : Reply.Text("cd", part: 4, offset: 1, answer: 1),
            Reply.Item(5, new ToolCallItem("c2", "then", "{}", true)),
            Reply.Stop());
        using var response = await pending;
        return await SseReader.ReadAll(response);
    }
}
