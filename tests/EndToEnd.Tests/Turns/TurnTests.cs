namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>A turn can be read, followed from any place, and cancelled; a client may leave it and come back.</summary>
public sealed class TurnTests(NodeFixture node)
{
    [Fact]
    public async Task A_finished_turn_is_read_in_the_shape_of_a_completion()
    {
        var ask = node.Ask("chunks=8 usage=1/2");
        var reply = await ask.StreamAsync();
        var turn = await node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}");
        var completion = turn.Json.GetProperty("reply");

        Assert.Equal((reply.TurnId, "turn", "completed"), (turn.Json.Text("id"), turn.Json.Text("object"), turn.Json.Text("status")));
        Assert.Equal(reply.Text, completion.GetProperty("choices")[0].GetProperty("message").Text("content"));
        Assert.Equal("stop", completion.GetProperty("choices")[0].Text("finish_reason"));
        Assert.Equal(reply.Chunks.First().Text("id"), completion.Text("id"));
        Assert.Equal(3, completion.GetProperty("usage").GetProperty("total_tokens").GetInt32());
    }

    [Fact]
    public async Task A_finished_turn_is_told_again_exactly_from_every_cursor()
    {
        var reply = await node.Ask("text=unicode chunks=12 chunk=3 seed=21 reasoning=3 answers=2 tool=weather").StreamAsync();
        var told = reply.Records.Where(record => record.Id is not null).ToList();
        Assert.NotEmpty(told);

        for (var i = 0; i < told.Count; i++)
        {
            await using var open = await node.Http.FollowAsync(reply.TurnId, told[i].Id);
            var rest = await open.ReadAllAsync(Ask.Patience);
            var before = reply.Records.Take(reply.Records.IndexOf(told[i]) + 1).ToList();

            Assert.Equal(reply.Text, string.Concat(before.Select(record => record.Text)) + rest.Text);
            Assert.Equal(reply.Reasoning, string.Concat(before.Select(record => record.Reasoning)) + rest.Reasoning);
            Assert.Equal(reply.Events.Count, rest.Events.Count + before.Count(record => record.Extension.Get("events").ValueKind != System.Text.Json.JsonValueKind.Undefined));
            Assert.Equal(("stop", true), (rest.FinishReason, rest.IsDone));
        }
    }

    [Fact]
    public async Task A_turn_from_its_start_is_told_like_the_first_time()
    {
        var reply = await node.Ask("chunks=8").StreamAsync();
        await using var open = await node.Http.FollowAsync(reply.TurnId, after: null);
        var again = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal(reply.Text, again.Text);
        Assert.Equal("assistant", again.Chunks.First().GetProperty("choices")[0].GetProperty("delta").Text("role"));
        Assert.Equal(reply.Usage.ToString(), again.Usage.ToString());
        Assert.Equal(reply.Extension.ToString(), again.Extension.ToString());
    }

    [Fact]
    public async Task A_surviving_turn_goes_on_without_its_client_and_is_picked_up_where_it_was_left()
    {
        var ask = node.Ask("text=unicode chunks=60 pace=10ms seed=22").WithHeader("x-turn-survive", "true");
        var first = await LeaveAsync(ask, afterRecords: 8);
        await using var open = await node.Http.FollowAsync(first.TurnId, first.Cursor);
        var rest = await open.ReadAllAsync(Ask.Patience);

        var chat = await ask.WaitForChatAsync(chat => chat.Ended);
        Assert.Equal(Assert.Single(chat.Answers), first.Text + rest.Text);
        Assert.Single(ask.Chats);
        Assert.True(rest.IsDone);
    }

    [Fact]
    public async Task A_turn_that_was_not_asked_to_survive_is_cancelled_when_its_client_leaves()
    {
        var ask = node.Ask("chunks=100000 pace=10ms");
        var first = await LeaveAsync(ask, afterRecords: 5);
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
        await using var open = await node.Http.FollowAsync(first.TurnId, first.Cursor);
        var rest = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal("cancelled", rest.Error.Text("code"));
        Assert.False(rest.IsDone);
    }

    [Fact]
    public async Task Deleting_a_turn_cancels_it_at_Coze_and_tells_its_client()
    {
        var ask = node.Ask("chunks=100000 pace=10ms");
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var turn = await node.Http.AnswerAsync(HttpMethod.Delete, $"/v1/turns/{open.Reply.TurnId}");
        var reply = await open.ReadAllAsync(Ask.Patience);

        Assert.Equal("cancelled", turn.Json.Text("status"));
        Assert.Equal("cancelled", reply.Error.Text("code"));
        Assert.False(reply.IsDone);
        await ask.WaitForChatAsync(chat => chat.Canceled && chat.ClientGone && chat.Ended);
    }

    [Fact]
    public async Task Two_followers_get_the_same()
    {
        var ask = node.Ask("text=unicode chunks=60 pace=10ms seed=23");
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        await using var other = await node.Http.FollowAsync(open.Reply.TurnId, after: null);
        var texts = await Task.WhenAll(open.ReadAllAsync(Ask.Patience), other.ReadAllAsync(Ask.Patience));

        Assert.All(texts, reply => Assert.Equal(Assert.Single(ask.Chat.Answers), reply.Text));
    }

    [Fact]
    public async Task Somebody_elses_turn_cannot_be_told_from_none()
    {
        var reply = await node.Ask("chunks=3").StreamAsync();
        foreach (var (method, path) in new[] { (HttpMethod.Get, ""), (HttpMethod.Get, "/events"), (HttpMethod.Delete, "") })
        {
            var foreign = await node.Http.AnswerAsync(method, $"/v1/turns/{reply.TurnId}{path}", TestFleet.OtherKey);
            var unknown = await node.Http.AnswerAsync(method, $"/v1/turns/{reply.TurnId[..^1]}{(reply.TurnId[^1] == '0' ? '1' : '0')}{path}");
            Assert.Equal(404, foreign.Status);
            Assert.Equal((404, unknown.Json.ToString()), (unknown.Status, foreign.Json.ToString()));
        }
    }

    [Fact]
    public async Task A_place_that_is_none_is_refused()
    {
        var reply = await node.Ask("chunks=3").StreamAsync();
        var answer = await node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{reply.TurnId}/events?after=nonsense");

        Assert.Equal((400, "after"), (answer.Status, answer.Error.Text("param")));
    }

    /// <summary>Reads a few records and drops the connection.</summary>
    private static async Task<StreamedReply> LeaveAsync(Ask ask, int afterRecords)
    {
        await using var open = await ask.OpenStreamAsync();
        await open.UntilAsync(reply => reply.Records.Count >= afterRecords && reply.Cursor is not null, Ask.Patience);
        return open.Reply;
    }
}
