using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>What Coze says in place of a reply never reaches the client as text, and has the right cure.</summary>
public sealed class NoticeTests
{
    [Theory]
    [InlineData("daily_limit")]
    [InlineData("free_credits")]
    [InlineData("daily_credits")]
    [InlineData("unusual_traffic")]
    public async Task Account_at_its_limit_is_set_aside_and_another_one_sends(string notice)
    {
        await using var house = await DiscordHouse.Start();
        var limited = DiscordSeeds.Accounts[0];
        house.Discord.SetCozeNotice(limited.Id, notice);

        var turn = await house.Run("Hello");

        Assert.StartsWith("You said: Hello", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Equal([limited.Id, DiscordSeeds.Accounts[1].Id], house.Posts.Select(post => post.UserId));
        // Seven more, and the first in turn twice.
        for (var i = 0; i < 7; i++) await (await house.Run("Again")).UntilComplete();
        Assert.Single(house.Posts, post => post.UserId == limited.Id);
        await house.UntilTidy();
    }

    [Fact]
    public async Task Bot_without_credits_is_left_until_they_are_renewed()
    {
        await using var house = await DiscordHouse.Start(bots: [DiscordHouse.Bot("b1"), DiscordHouse.Bot("b2") with { UpstreamBotId = DiscordSeeds.CozeBots[1].Id }]);
        house.Discord.SetCozeNotice(DiscordSeeds.CozeBots[0].Id, "creator_credits");

        var turn = await house.Run("Hello", "all");

        await turn.UntilComplete();
        Assert.Equal("b2", turn.Origin!.BotId);
        // All accounts are fit; the bot is not, and says until when.
        var refused = await house.Run("Hello", "b1");
        Assert.Equal(ErrorCode.UpstreamQuotaExceeded, refused.Error?.Code);
        Assert.True(refused.Error!.Until > DateTimeOffset.UtcNow, "until the reset");
        Assert.Equal(2, house.Posts.Count);
    }

    [Theory]
    [InlineData("too_many_users")]
    [InlineData("error")]
    public async Task Passing_trouble_is_tried_again_in_a_message_of_its_own(string notice)
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.Script($"notice={notice}", times: 1);

        var turn = await house.Run("Hello");

        Assert.StartsWith("You said: Hello", await turn.UntilComplete(), StringComparison.Ordinal);
        Assert.Equal(2, house.Posts.Select(post => post.MessageId).Distinct().Count());
        Assert.Single(house.Posts.Select(post => post.UserId).Distinct());
        Assert.Equal(0, house.Discord.Records.Count(DiscordRecordKind.NonceMatched));
    }

    [Fact]
    public async Task Refusal_is_passed_on_once_it_is_clear_that_nothing_follows()
    {
        await using var house = await DiscordHouse.Start(bots: DiscordHouse.Bot("b1", ("end.cold_wait", "1s")));

        var turn = await house.Run("x [[notice=refusal]]");

        Assert.Equal(ErrorCode.ContentFiltered, turn.Error?.Code);
        Assert.Empty(turn.Text);
        Assert.Single(house.Posts);
    }

    [Fact]
    public async Task Reply_that_only_begins_like_a_notice_is_a_reply()
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run("x [[say=\"I'm sorry, but I can't assist with that. Yet here is something else.\" chunks=9]]");

        Assert.Equal("I'm sorry, but I can't assist with that. Yet here is something else.", await turn.UntilComplete());
    }
}
