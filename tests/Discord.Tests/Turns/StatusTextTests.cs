using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Coze's status texts never reach the client as replies, and cause the right recovery action.</summary>
public sealed class StatusTextTests
{
    [Theory]
    [InlineData("daily_limit")]
    [InlineData("free_credits")]
    [InlineData("daily_credits")]
    [InlineData("unusual_traffic")]
    public async Task Account_at_its_limit_is_replaced_by_another_one(string status)
    {
        await using var silo = await DiscordSilo.Start();
        var limited = DiscordSeeds.Accounts[0];
        silo.Discord.SetCozeNotice(limited.Id, status);

        var turn = await silo.Run("Hello");

        Assert.StartsWith("You said: Hello", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Equal([limited.Id, DiscordSeeds.Accounts[1].Id], silo.Posts.Select(post => post.UserId));
        // Seven more turns: every account is chosen again at least once.
        for (var i = 0; i < 7; i++) await (await silo.Run("Again")).UntilComplete();
        Assert.Single(silo.Posts, post => post.UserId == limited.Id);
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Bot_without_credits_is_not_used_until_they_are_renewed()
    {
        var other = DiscordSilo.Bot("b2") with { UpstreamBotId = DiscordSeeds.CozeBots[1].Id };
        await using var silo = await DiscordSilo.Start(bots: [DiscordSilo.Bot("b1"), other]);
        silo.Discord.SetCozeNotice(DiscordSeeds.CozeBots[0].Id, "creator_credits");

        var turn = await silo.Run("Hello", "all");

        await turn.UntilComplete();
        Assert.Equal("b2", turn.Origin!.BotId);
        // All accounts are available. The bot is not, and its error says until when.
        var rejected = await silo.Run("Hello", "b1");
        Assert.Equal(ErrorCode.UpstreamQuotaExceeded, rejected.Error?.Code);
        Assert.True(rejected.Error!.Until > DateTimeOffset.UtcNow, "until the reset");
        Assert.Equal(2, silo.Posts.Count);
    }

    [Theory]
    [InlineData("too_many_users")]
    [InlineData("error")]
    public async Task Temporary_failure_is_retried_with_a_new_message(string status)
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.Script($"notice={status}", times: 1);

        var turn = await silo.Run("Hello");

        Assert.StartsWith("You said: Hello", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Equal(2, silo.Posts.Select(post => post.MessageId).Distinct().Count());
        Assert.Single(silo.Posts.Select(post => post.UserId).Distinct());
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.NonceMatched));
    }

    [Fact]
    public async Task Refusal_is_an_error_if_no_text_follows()
    {
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1", ("end.cold_wait", "1s")));

        var turn = await silo.Run("x [[notice=refusal]]");

        Assert.Equal(ErrorCode.ContentFiltered, turn.Error?.Code);
        Assert.Empty(turn.Text);
        Assert.Single(silo.Posts);
    }

    [Fact]
    public async Task Reply_that_only_begins_like_a_status_text_is_a_reply()
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run("x [[say=\"I'm sorry, but I can't assist with that. Yet here is something else.\" chunks=9]]");

        Assert.Equal("I'm sorry, but I can't assist with that. Yet here is something else.", await turn.UntilComplete());
    }
}
