namespace CozeCluster.EndToEnd.Tests.Fleets;

/// <summary>The bot and the account of a turn, and errors when none is available.</summary>
public sealed class PoolTests(NodeFixture node)
{
    [Fact]
    public async Task The_bots_of_a_model_are_used_in_turn()
    {
        var bots = new List<string>();
        for (var i = 0; i < 6; i++)
        {
            var request = node.NewRequest("chunks=2", "round");
            await request.StreamAsync();
            bots.Add(request.Chat.BotId);
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
            var request = node.NewRequest("chunks=2", "homely").InConversation(name);
            await request.StreamAsync();
            bots.Add(request.Chat.BotId);
        }

        Assert.Single(bots);
    }

    [Fact]
    public async Task An_account_out_of_credit_is_replaced_and_disabled()
    {
        for (var i = 0; i < 4; i++)
        {
            var request = node.NewRequest("chunks=2", "rotating");
            var reply = await request.StreamAsync();

            Assert.True(reply.IsDone);
            Assert.Equal(node.TokenWithCredit, request.Chat.Token);
        }
        Assert.InRange(node.Log.Split('\n').Count(line => line.Contains("account out-of-credit", StringComparison.Ordinal)), 0, 1);
    }

    [Fact]
    public async Task When_all_accounts_are_out_of_credit_the_error_says_so_and_later_contains_retry_after()
    {
        var first = await node.NewRequest(model: "broke").StreamErrorAsync();
        var second = await node.NewRequest(model: "broke").StreamErrorAsync();

        Assert.Equal((429, "insufficient_quota"), (first.Status, first.Error.Text("code")));
        Assert.Equal((429, "insufficient_quota"), (second.Status, second.Error.Text("code")));
        Assert.NotNull(second.Header("retry-after"));
    }

    [Fact]
    public async Task A_bot_that_failed_three_times_in_a_row_is_not_used_for_a_while()
    {
        var model = node.NewModel();
        for (var i = 0; i < 3; i++) Assert.Equal(502, (await node.NewRequest("failed=5000", model).StreamErrorAsync()).Status);
        var request = node.NewRequest("chunks=2", model);
        var response = await request.StreamErrorAsync();

        Assert.Equal((503, "no_bot_available"), (response.Status, response.Error.Text("code")));
        Assert.InRange(int.Parse(response.Header("retry-after")!), 1, 10);
        Assert.Empty(request.Chats);
    }

    [Fact]
    public async Task Errors_that_the_prompt_causes_do_not_count_as_failures_of_the_bot()
    {
        var model = node.NewModel();
        for (var i = 0; i < 5; i++) Assert.Equal(400, (await node.NewRequest("early_error=4010", model).StreamErrorAsync()).Status);

        Assert.True((await node.NewRequest("chunks=2", model).StreamAsync()).IsDone);
    }

    [Fact]
    public async Task A_bot_runs_at_most_as_many_turns_as_configured()
    {
        await using var running = await node.NewRequest("chunks=100000 pace=20ms", "narrow").OpenStreamAsync();
        await running.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var response = await node.NewRequest("chunks=2", "narrow").StreamErrorAsync();

        Assert.Equal((503, "no_bot_available"), (response.Status, response.Error.Text("code")));
    }

    [Fact]
    public async Task A_tenant_runs_at_most_as_many_turns_as_configured()
    {
        var first = node.NewRequest("chunks=100000 pace=20ms");
        first.Key = TestFleet.NarrowKey;
        await using var running = await first.OpenStreamAsync();
        await running.ReadUntilAsync(reply => reply.Text.Length > 0, TestTimeout.Token);
        var second = node.NewRequest("chunks=2");
        second.Key = TestFleet.NarrowKey;
        var response = await second.StreamErrorAsync();

        Assert.Equal((429, "rate_limit_exceeded"), (response.Status, response.Error.Text("code")));
        Assert.Empty(second.Chats);
    }
}
