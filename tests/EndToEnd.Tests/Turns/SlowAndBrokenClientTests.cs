namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>Slow clients do not delay others. Clients whose connections break receive the exact reply.</summary>
public sealed class SlowAndBrokenClientTests(NodeFixture node)
{
    [Fact]
    public async Task A_client_that_does_not_read_delays_no_other_client_and_receives_everything_later()
    {
        // The reply is much larger than all buffers between Coze and the client.
        var request = node.NewRequest("text=unicode chunks=40000 seed=61");
        await using var slow = await request.OpenStreamAsync();
        await using var fast = await node.Http.FollowAsync(slow.Reply.TurnId, after: null);
        var first = await fast.ReadAllAsync(TestTimeout.Token);
        Assert.True(request.Chat.Ended);
        var second = await slow.ReadAllAsync(TestTimeout.Token);

        Assert.Equal(Assert.Single(request.Chat.Answers), first.Text);
        Assert.Equal(first.Text, second.Text);
        Assert.True(second.IsDone);
    }

    [Theory]
    [InlineData(71)]
    [InlineData(72)]
    [InlineData(73)]
    public async Task A_client_whose_connection_breaks_repeatedly_receives_the_exact_reply(int seed)
    {
        var random = new Random(seed);
        var request = node.NewRequest($"text=unicode answers=2 reasoning=15 tool=weather chunks=60 chunk=3 pace=20ms seed={seed}")
            .WithHeader("x-turn-survive", "true");
        var records = new List<SseRecord>();
        string turnId;
        await using (var open = await request.OpenStreamAsync())
        {
            turnId = open.Reply.TurnId;
            await ReadAsync(open, random.Next(1, 20));
        }
        var breaks = 1;
        while (records is not [.., { Data: "[DONE]" }])
        {
            await using var open = await node.Http.FollowAsync(turnId, records.LastOrDefault(record => record.Id is not null)?.Id);
            await ReadAsync(open, random.Next(1, 20));
            breaks++;
        }

        var turn = (await node.Http.GetTurnAsync(turnId)).Turn.Json;
        var message = turn.GetProperty("reply").GetProperty("choices")[0].GetProperty("message");
        Assert.True(breaks > 3);
        Assert.Equal(string.Join("\n\n", request.Chat.Answers), string.Concat(records.Select(record => record.Text)));
        Assert.Equal(message.Text("reasoning_content"), string.Concat(records.Select(record => record.Reasoning)));
        Assert.Equal(["tool_call", "tool_output"], records.SelectMany(record => record.Events).Select(item => item.Text("type")));

        async Task ReadAsync(OpenReply open, int count)
        {
            while (count-- > 0 && await open.ReadNextAsync(TestTimeout.Token)) records.Add(open.Reply.Records[^1]);
            // Records behind the last cursor are sent again, so they are removed.
            if (open.Reply.IsDone) return;
            while (records is [.., { Id: null }]) records.RemoveAt(records.Count - 1);
        }
    }
}
