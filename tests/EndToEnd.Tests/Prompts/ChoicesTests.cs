using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.EndToEnd.Tests.Prompts;

/// <summary>Several choices: each is a turn, and a chat at Coze.</summary>
public sealed class ChoicesTests(NodeFixture node)
{
    [Fact]
    public async Task A_whole_reply_has_each_choice_and_all_tokens()
    {
        var request = Several(3, "text=unicode chunks=20 usage=12/34");
        var reply = await request.CompleteAsync();

        Assert.Equal([0, 1, 2], reply.Json.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("index").GetInt32()));
        Assert.Equal(Answers(request), Texts(reply.Json));
        Assert.All(reply.Json.GetProperty("choices").EnumerateArray(), choice => Assert.Equal("stop", choice.Text("finish_reason")));
        Assert.Equal((36, 102, 138), reply.Json.GetProperty("usage").ReadUsage());
        await AssertTurnsAsync(reply.Header("x-turn-id")!, "completed", 3);
    }

    [Fact]
    public async Task A_stream_has_the_exact_text_of_each_choice()
    {
        var request = Several(8, "text=unicode chunks=50 chunk=3 pace=2ms usage=1/2");
        var reply = await request.StreamAsync();

        Assert.Equal(Answers(request), Texts(reply).Order());
        Assert.True(reply.IsDone);
        Assert.Equal((8, 16, 24), reply.Usage.ReadUsage());
        Assert.Equal(8, Choices(reply).Count(choice => choice.Text("finish_reason") == "stop"));
        Assert.Single(reply.Chunks.Select(chunk => chunk.Text("id")).Distinct());
        Assert.Null(reply.Cursor);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_leaves_cancels_every_chat(bool stream)
    {
        var request = Several(3, "chunks=100000 pace=10ms");
        using var stop = new CancellationTokenSource();
        if (stream)
        {
            await using var open = await request.OpenStreamAsync();
            await open.ReadUntilAsync(reply => Texts(reply).Count(text => text.Length > 0) == 3, TestTimeout.Token);
        }
        else
        {
            var sending = request.SendAsync(stop.Token);
            await node.Coze.WaitForAsync(() => request.Chats.Count == 3, TestTimeout.Token);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        await node.Coze.WaitForAsync(() => request.Chats.Count(chat => chat is { Canceled: true, Ended: true }) == 3, TestTimeout.Token);
    }

    [Fact]
    public async Task A_choice_that_fails_ends_the_stream_and_cancels_the_others()
    {
        var request = Several(3, "chunks=100000 pace=10ms");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => Texts(reply).Count(text => text.Length > 0) == 3, TestTimeout.Token);
        var turns = open.Reply.TurnId.Split(',');

        await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/v1/turns/{turns[1]}");
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal("cancelled", reply.Error.Text("code"));
        Assert.False(reply.IsDone);
        Assert.All(Choices(reply), choice => Assert.Null(choice.Text("finish_reason")));
        await node.Coze.WaitForAsync(() => request.Chats.Count(chat => chat is { Canceled: true, Ended: true }) == 3, TestTimeout.Token);
        await AssertTurnsAsync(open.Reply.TurnId, "cancelled", 3);
    }

    [Fact]
    public async Task A_failure_before_the_first_text_is_the_answer()
    {
        var reply = await Several(2, "early_error=4010").StreamErrorAsync();

        Assert.Equal((400, "context_length_exceeded"), (reply.Status, reply.Error.Text("code")));
    }

    [Fact]
    public async Task A_budget_counts_each_choice()
    {
        await using var own = await SandboxNode.StartAsync((sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString()
            .Replace("- id: main", "- id: main\n    limits: { daily: { requests: 4 } }", StringComparison.Ordinal));
        var whole = await own.NewRequest("chunks=2").With(body => body["n"] = 3).CompleteAsync();
        var refused = await own.NewRequest("chunks=2").With(body => body["n"] = 2).CompleteAsync();

        Assert.Equal(200, whole.Status);
        Assert.Equal((429, "insufficient_quota"), (refused.Status, refused.Error.Text("code")));
        // At most one turn of the refused request reached Coze before the other one was refused.
        Assert.InRange(own.Sandbox.Coze.Chats.Count, 3, 4);
    }

    [Fact]
    public async Task A_tool_call_of_one_choice_continues_its_turn()
    {
        var request = Several(2, "requires_action=find_user");
        var choice = (await request.CompleteAsync()).Json.GetProperty("choices")[1].GetProperty("message");
        var result = new JsonObject
        {
            ["role"] = "tool", ["tool_call_id"] = choice.GetProperty("tool_calls")[0].Text("id"), ["content"] = "it is Ada",
        };
        var next = request.With(body =>
        {
            body.Remove("n");
            body["messages"]!.AsArray().Add(JsonNode.Parse(choice.GetRawText()));
            body["messages"]!.AsArray().Add(result);
        });

        Assert.Contains("it is Ada", (await next.CompleteAsync()).Text, StringComparison.Ordinal);
        Assert.Equal(2, request.Chats.Count);
    }

    private ChatRequest Several(int choices, string directives) => node.NewRequest(directives).With(body => body["n"] = choices);

    private static IEnumerable<string> Answers(ChatRequest request) => request.Chats.Select(chat => Assert.Single(chat.Answers)).Order();

    private static IEnumerable<string?> Texts(JsonElement completion) =>
        completion.GetProperty("choices").EnumerateArray().Select(choice => choice.GetProperty("message").Text("content")).Order();

    private static IEnumerable<JsonElement> Choices(StreamedReply reply) => reply.Chunks.SelectMany(chunk => chunk.GetProperty("choices").EnumerateArray());

    private static List<string> Texts(StreamedReply reply) =>
    [
        .. Choices(reply)
            .GroupBy(choice => choice.GetProperty("index").GetInt32(), choice => choice.GetProperty("delta").Text("content"))
            .Select(texts => string.Concat(texts)),
    ];

    private async Task AssertTurnsAsync(string ids, string status, int count)
    {
        var turns = ids.Split(',');
        Assert.Equal(count, turns.Distinct().Count());
        foreach (var id in turns) Assert.Equal(status, (await node.Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{id}")).Json.Text("status"));
    }
}
