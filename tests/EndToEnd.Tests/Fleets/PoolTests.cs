using System.Text.Json;

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

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_key_with_show_bot_learns_the_bot_and_the_number_of_attempts(bool stream)
    {
        var (seeing, other) = (node.NewRequest("chunks=2", "half-down"), node.NewRequest("chunks=2", "tiered"));
        seeing.Key = TestFleet.ShowBotKey;

        Func<string, string?> seen = stream ? (await seeing.StreamAsync()).Header : (await seeing.CompleteAsync()).Header;
        Func<string, string?> unseen = stream ? (await other.StreamAsync()).Header : (await other.CompleteAsync()).Header;

        Assert.Equal("up", seen("x-bot"));
        Assert.InRange(int.Parse(seen("x-attempts")!), 1, 2);
        Assert.Null(unseen("x-bot") ?? unseen("x-attempts"));
    }

    [Fact]
    public async Task A_bot_at_its_limit_is_an_overload_that_ends_and_a_dry_run_says_so_before()
    {
        var before = await ExplainAsync("metered");
        var reply = await node.NewRequest("chunks=2", "metered").CompleteAsync();
        var refused = await node.NewRequest("chunks=2", "metered").StreamErrorAsync();
        var after = await ExplainAsync("metered");

        Assert.Equal(("metered", "metered"), (before.Text("bot"), before.Text("account")));
        Assert.Equal(200, reply.Status);
        Assert.Equal((429, "rate_limit_exceeded"), (refused.Status, refused.Error.Text("code")));
        Assert.NotNull(refused.Header("retry-after"));
        Assert.Equal("upstream_rate_limited", after.GetProperty("error").Text("code"));
        Assert.Equal(refused.Error.Text("message"), after.GetProperty("error").Text("message"));
        Assert.Equal("at_limit", after.GetProperty("bots")[0].Text("reason"));
    }

    [Fact]
    public async Task A_dry_run_shows_the_tiers_of_a_model()
    {
        var explained = await ExplainAsync("tiered");

        Assert.Equal(
            ["round-2 1 chosen", "away 2 available", "round-3 3 available"],
            explained.GetProperty("bots").EnumerateArray().Select(bot => $"{bot.Text("bot")} {bot.GetProperty("priority").GetInt32()} {bot.Text("verdict")}"));
        Assert.Equal("model_not_found", (await ExplainAsync("nothing")).GetProperty("error").Text("code"));
    }

    private async Task<JsonElement> ExplainAsync(string model) =>
        (await node.Http.RequestJsonAsync(HttpMethod.Get, $"/admin/v1/dry-run/route?tenant=main&key=app&model={model}", TestFleet.ViewerKey)).Json;
}
