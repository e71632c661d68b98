namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>Which bot and account a turn runs on, and when none will take it.</summary>
public sealed class PoolTests(NodeFixture node)
{
    [Fact]
    public async Task Bots_of_a_model_take_turns()
    {
        var bots = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            var ask = node.Ask("chunks=2", "round");
            await ask.StreamAsync();
            bots.Add(ask.Chat.BotId);
        }

        Assert.Equal([Bots.One, Bots.Two, Bots.Three, Bots.One, Bots.Two, Bots.Three], bots);
    }

    [Fact]
    public async Task A_conversation_stays_with_its_bot()
    {
        var bots = new HashSet<string>();
        var name = $"talk-{Guid.NewGuid():n}";
        for (var i = 0; i < 4; i++)
        {
            var ask = node.Ask("chunks=2", "homely").With(body => body["conversation_id"] = name);
            await ask.StreamAsync();
            bots.Add(ask.Chat.BotId);
        }

        Assert.Single(bots);
    }

    [Fact]
    public async Task An_account_out_of_credit_is_replaced_and_set_aside()
    {
        for (var i = 0; i < 4; i++)
        {
            var ask = node.Ask("chunks=2", "rotating");
            var reply = await ask.StreamAsync();

            Assert.True(reply.IsDone);
            Assert.Equal(node.SoundToken, ask.Chat.Token);
        }
        Assert.InRange(node.Log.Split('\n').Count(line => line.Contains("account out-of-credit", StringComparison.Ordinal)), 0, 1);
    }

    [Fact]
    public async Task Where_all_accounts_are_out_of_credit_the_client_hears_it_and_then_when_to_come_back()
    {
        var first = await node.Ask(model: "broke").StreamInVainAsync();
        var second = await node.Ask(model: "broke").StreamInVainAsync();

        Assert.Equal((429, "insufficient_quota"), (first.Status, first.Error.Text("code")));
        Assert.Equal((429, "insufficient_quota"), (second.Status, second.Error.Text("code")));
        Assert.NotNull(second.Header("retry-after"));
    }

    [Fact]
    public async Task A_bot_that_failed_three_times_in_a_row_is_left_alone_for_a_while()
    {
        var model = node.PlainModel();
        for (var i = 0; i < 3; i++) Assert.Equal(502, (await node.Ask("failed=5000", model).StreamInVainAsync()).Status);
        var ask = node.Ask("chunks=2", model);
        var answer = await ask.StreamInVainAsync();

        Assert.Equal((503, "no_bot_available"), (answer.Status, answer.Error.Text("code")));
        Assert.InRange(int.Parse(answer.Header("retry-after")!), 1, 10);
        Assert.Empty(ask.Chats);
    }

    [Fact]
    public async Task What_the_prompt_is_to_blame_for_does_not_count_against_the_bot()
    {
        var model = node.PlainModel();
        for (var i = 0; i < 5; i++) Assert.Equal(400, (await node.Ask("early_error=4010", model).StreamInVainAsync()).Status);

        Assert.True((await node.Ask("chunks=2", model).StreamAsync()).IsDone);
    }

    [Fact]
    public async Task A_bot_runs_as_many_turns_as_it_may()
    {
        await using var running = await node.Ask("chunks=100000 pace=20ms", "narrow").OpenStreamAsync();
        await running.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var answer = await node.Ask("chunks=2", "narrow").StreamInVainAsync();

        Assert.Equal((503, "no_bot_available"), (answer.Status, answer.Error.Text("code")));
    }

    [Fact]
    public async Task A_tenant_runs_as_many_turns_as_it_may()
    {
        var first = node.Ask("chunks=100000 pace=20ms");
        first.Key = TestFleet.NarrowKey;
        await using var running = await first.OpenStreamAsync();
        await running.UntilAsync(reply => reply.Text.Length > 0, Ask.Patience);
        var second = node.Ask("chunks=2");
        second.Key = TestFleet.NarrowKey;
        var answer = await second.StreamInVainAsync();

        Assert.Equal((429, "rate_limit_exceeded"), (answer.Status, answer.Error.Text("code")));
        Assert.Empty(second.Chats);
    }
}
