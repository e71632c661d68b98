namespace CozeCluster.EndToEnd.Tests.Turns;

/// <summary>Clients with bad lines: slow ones hold nobody up, and broken connections lose and repeat nothing.</summary>
public sealed class SlowAndBrokenClientTests(NodeFixture node)
{
    [Fact]
    public async Task A_client_that_reads_nothing_holds_nobody_up_and_misses_nothing()
    {
        // Far more than all buffers on the way hold.
        var ask = node.Ask("text=unicode chunks=40000 seed=61");
        await using var slow = await ask.OpenStreamAsync();
        await using var fast = await node.Http.FollowAsync(slow.Reply.TurnId, after: null);
        var first = await fast.ReadAllAsync(Ask.Patience);
        Assert.True(ask.Chat.Ended);
        var second = await slow.ReadAllAsync(Ask.Patience);

        Assert.Equal(Assert.Single(ask.Chat.Answers), first.Text);
        Assert.Equal(first.Text, second.Text);
        Assert.True(second.IsDone);
    }

    [Theory]
    [InlineData(71)]
    [InlineData(72)]
    [InlineData(73)]
    public async Task A_client_whose_connection_breaks_again_and_again_gets_the_exact_reply(int seed)
    {
        var dice = new Random(seed);
        var ask = node.Ask($"text=unicode answers=2 reasoning=15 tool=weather chunks=60 chunk=3 pace=5ms seed={seed}").WithHeader("x-turn-survive", "true");
        var told = new List<SseRecord>();
        string turnId;
        await using (var open = await ask.OpenStreamAsync())
        {
            turnId = open.Reply.TurnId;
            await ReadAsync(open, dice.Next(1, 20));
        }
        var breaks = 1;
        while (told is not [.., { Data: "[DONE]" }])
        {
            await using var open = await node.Http.FollowAsync(turnId, told.LastOrDefault(record => record.Id is not null)?.Id);
            await ReadAsync(open, dice.Next(1, 20));
            breaks++;
        }

        var whole = await node.Http.AnswerAsync(HttpMethod.Get, $"/v1/turns/{turnId}");
        Assert.True(breaks > 3);
        Assert.Equal(string.Join("\n\n", ask.Chat.Answers), string.Concat(told.Select(record => record.Text)));
        Assert.Equal(
            whole.Json.GetProperty("reply").GetProperty("choices")[0].GetProperty("message").Text("reasoning_content"), string.Concat(told.Select(record => record.Reasoning)));
        Assert.Equal(["tool_call", "tool_output"], told.Select(record => record.Extension.Get("events")).Where(events => events.ValueKind == System.Text.Json.JsonValueKind.Array)
            .SelectMany(events => events.EnumerateArray()).Select(item => item.Text("type")));

        async Task ReadAsync(OpenReply open, int records)
        {
            while (records-- > 0 && await open.NextAsync(Ask.Patience)) told.Add(open.Reply.Records[^1]);
            // Records behind the last cursor are told again, so they do not count.
            if (open.Reply.IsDone) return;
            while (told is [.., { Id: null }]) told.RemoveAt(told.Count - 1);
        }
    }
}
