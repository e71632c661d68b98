using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Replies while connections break.</summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData("drop=3")]
    [InlineData("op7=3")]
    [InlineData("op9=3")]
    public async Task Reply_is_whole_though_the_session_was_cut_in_the_middle(string fault)
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run($"x [[length=5000 chunks=9 pace=150ms {fault}]]");

        Assert.Equal((await house.Finished()).Detail, await turn.UntilComplete());
        Assert.Single(turn.Parts);
    }

    [Fact]
    public async Task House_that_restarts_sooner_than_discord_lets_it_identify_waits_and_answers()
    {
        await using var house = await DiscordHouse.Start(identifyPace: TimeSpan.FromSeconds(5));
        await house.Health("l1");

        await house.Restart();
        await (await house.Run("x")).UntilComplete();

        Assert.NotEqual(0, house.Discord.Records.Count(DiscordRecordKind.IdentifyRefused));
        Assert.Single(house.Posts);
    }

    [Fact]
    public async Task Session_that_is_lost_before_the_reply_begins_loses_nothing()
    {
        await using var house = await DiscordHouse.Start();

        var turn = await house.Run("x [[length=3000 chunks=3 pace=300ms first_byte=200ms op9=1]]");

        Assert.Equal((await house.Finished()).Detail, await turn.UntilComplete());
    }

    [Theory]
    [InlineData(RestFaultKind.LoseAnswer)]
    [InlineData(RestFaultKind.Cut)]
    public async Task Post_whose_answer_was_lost_is_sent_again_but_posted_once(RestFaultKind fault)
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.Fail(new RestFault { Kind = fault, Route = "POST /channels/" });

        await (await house.Run("x")).UntilComplete();

        Assert.Single(house.Posts);
        Assert.Equal(fault == RestFaultKind.LoseAnswer ? 1 : 0, house.Discord.Records.Count(DiscordRecordKind.NonceMatched));
        Assert.Equal(0, house.Discord.Records.Count(DiscordRecordKind.DoubleSend));
    }

    [Fact]
    public async Task Listener_without_the_intent_is_an_error_that_says_so()
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.SetPrivilegedIntents(DiscordSeeds.Listeners[0].Id, 0);

        var turn = await house.Run("x");

        Assert.Equal(ErrorCode.UpstreamUnavailable, turn.Error?.Code);
        Assert.Contains("ntent", turn.Error!.Message, StringComparison.Ordinal);
        await house.UntilTidy();
    }

    [Fact]
    public async Task Listener_that_is_not_in_the_server_is_an_error_that_says_so()
    {
        await using var house = await DiscordHouse.Start();
        house.Discord.SetMembership(DiscordSeeds.Listeners[0].Id, DiscordHouse.Guild.Id, isMember: false);

        var health = await house.Health("l1");

        Assert.Contains("not in the Discord server", health.Reason, StringComparison.Ordinal);
        Assert.NotNull((await house.Run("x")).Error);
    }
}
