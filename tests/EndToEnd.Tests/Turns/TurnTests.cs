namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>A turn can be read, followed from any cursor, and cancelled. A client may leave a turn and resume it.</summary>
public sealed class TurnTests(NodeFixture node)
{
    [Fact]
    public async Task A_finished_turn_contains_a_completion()
    {
        var request = node.NewRequest("chunks=8 usage=1/2");
        var reply = await request.StreamAsync();
        var turn = await node.Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}");
        var completion = turn.Json.GetProperty("reply");

        Assert.Equal((reply.TurnId, "turn", "completed"), (turn.Json.Text("id"), turn.Json.Text("object"), turn.Json.Text("status")));
        Assert.Equal(reply.Text, completion.GetProperty("choices")[0].GetProperty("message").Text("content"));
        Assert.Equal("stop", completion.GetProperty("choices")[0].Text("finish_reason"));
        Assert.Equal(reply.Chunks.First().Text("id"), completion.Text("id"));
        Assert.Equal(3, completion.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_finished_turn_is_sent_exactly_from_every_cursor()
    {
        var reply = await node.NewRequest("text=unicode chunks=12 chunk=3 seed=21 reasoning=3 answers=2 tool=weather").StreamAsync();
        var records = reply.Records.Where(record => record.Id is not null).ToList();
        Assert.NotEmpty(records);

        for (var i = 0; i < records.Count; i++)
        {
            await using var open = await node.Http.FollowAsync(reply.TurnId, records[i].Id);
            var rest = await open.ReadAllAsync(TestTimeout.Token);
            var before = reply.Records.Take(reply.Records.IndexOf(records[i]) + 1).ToList();

            Assert.Equal(reply.Text, string.Concat(before.Select(record => record.Text)) + rest.Text);
            Assert.Equal(reply.Reasoning, string.Concat(before.Select(record => record.Reasoning)) + rest.Reasoning);
            Assert.Equal(reply.Events.Count, rest.Events.Count + before.Sum(record => record.Events.Count()));
            Assert.Equal(("stop", true), (rest.FinishReason, rest.IsDone));
        }
    }

    [Fact]
    public async Task A_turn_that_is_followed_from_its_start_is_sent_as_the_first_time()
    {
        var reply = await node.NewRequest("chunks=8").StreamAsync();
        await using var open = await node.Http.FollowAsync(reply.TurnId, after: null);
        var again = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal(reply.Text, again.Text);
        Assert.Equal("assistant", again.Chunks.First().GetProperty("choices")[0].GetProperty("delta").Text("role"));
        Assert.Equal(reply.Usage.ToString(), again.Usage.ToString());
        Assert.Equal(reply.Extension.ToString(), again.Extension.ToString());
    }

    [Fact]
    public async Task A_surviving_turn_continues_without_its_client_and_is_resumed_at_its_cursor()
    {
        var request = node.NewRequest("text=unicode chunks=60 pace=10ms seed=22").WithHeader("x-turn-survive", "true");
        var first = await LeaveAsync(request, afterRecords: 8);
        await using var open = await node.Http.FollowAsync(first.TurnId, first.Cursor);
        var rest = await open.ReadAllAsync(TestTimeout.Token);

        var chat = await request.WaitForChatAsync(chat => chat.Ended);
        Assert.Equal(Assert.Single(chat.Answers), first.Text + rest.Text);
        Assert.Single(request.Chats);
        Assert.True(rest.IsDone);
    }

    [Fact]
    public async Task A_turn_that_does_not_survive_is_cancelled_when_its_client_leaves()
    {
        var request = node.NewRequest("chunks=100000 pace=10ms");
        var first = await LeaveAsync(request, afterRecords: 5);
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
        await using var open = await node.Http.FollowAsync(first.TurnId, first.Cursor);
        var rest = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal("cancelled", rest.Error.Text("code"));
        Assert.False(rest.IsDone);
    }

    [Fact]
    public async Task Deleting_a_turn_cancels_it_at_Coze_and_notifies_its_client()
    {
        var request = node.NewRequest("chunks=100000 pace=10ms");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var turn = await node.Http.RequestJsonAsync(HttpMethod.Delete, $"/v1/turns/{open.Reply.TurnId}");
        var reply = await open.ReadAllAsync(TestTimeout.Token);

        Assert.Equal("cancelled", turn.Json.Text("status"));
        Assert.Equal("cancelled", reply.Error.Text("code"));
        Assert.False(reply.IsDone);
        await request.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Two_clients_that_follow_a_turn_receive_the_same()
    {
        var request = node.NewRequest("text=unicode chunks=60 pace=10ms seed=23");
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        await using var other = await node.Http.FollowAsync(open.Reply.TurnId, after: null);
        var texts = await Task.WhenAll(open.ReadAllAsync(TestTimeout.Token), other.ReadAllAsync(TestTimeout.Token));

        Assert.All(texts, reply => Assert.Equal(Assert.Single(request.Chat.Answers), reply.Text));
    }

    [Fact]
    public async Task A_turn_of_another_tenant_looks_like_an_unknown_turn()
    {
        var reply = await node.NewRequest("chunks=3").StreamAsync();
        foreach (var (method, path) in new[] { (HttpMethod.Get, ""), (HttpMethod.Get, "/events"), (HttpMethod.Delete, "") })
        {
            var foreign = await node.Http.RequestJsonAsync(method, $"/v1/turns/{reply.TurnId}{path}", TestFleet.OtherKey);
            var unknown = await node.Http.RequestJsonAsync(method, $"/v1/turns/{reply.TurnId[..^1]}{(reply.TurnId[^1] == '0' ? '1' : '0')}{path}");
            Assert.Equal(404, foreign.Status);
            Assert.Equal((404, unknown.Json.ToString()), (unknown.Status, foreign.Json.ToString()));
        }
    }

    [Fact]
    public async Task An_invalid_cursor_is_refused()
    {
        var reply = await node.NewRequest("chunks=3").StreamAsync();
        var response = await node.Http.RequestJsonAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}/events?after=nonsense");

        Assert.Equal((400, "after"), (response.Status, response.Error.Text("param")));
    }

    /// <summary>Reads some records and closes the connection.</summary>
    private static async Task<StreamedReply> LeaveAsync(ChatRequest request, int afterRecords)
    {
        await using var open = await request.OpenStreamAsync();
        await open.ReadUntilAsync(reply => reply.Records.Count >= afterRecords && reply.Cursor is not null, TestTimeout.Token);
        return open.Reply;
    }
}
