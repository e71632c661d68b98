using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Replies when connections break.</summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData("drop=3")]
    [InlineData("op7=3")]
    [InlineData("op9=3")]
    public async Task Reply_is_complete_although_the_session_broke_in_the_middle(string fault)
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run($"x [[length=5000 chunks=9 pace=150ms {fault}]]");

        Assert.Equal((await silo.Finished()).Detail, await turn.UntilComplete());
        Assert.Single(turn.Parts);
    }

    [Fact]
    public async Task Node_that_restarts_sooner_than_Discord_allows_it_to_identify_waits_and_answers()
    {
        await using var silo = await DiscordSilo.Start(identifyPace: TimeSpan.FromSeconds(5));
        await silo.WaitForListener("l1");

        await silo.Restart();
        await (await silo.Run("x")).UntilComplete();

        Assert.NotEqual(0, silo.Discord.Records.Count(DiscordRecordKind.IdentifyRefused));
        Assert.Single(silo.Posts);
    }

    [Fact]
    public async Task Session_that_is_lost_before_the_reply_begins_loses_no_text()
    {
        await using var silo = await DiscordSilo.Start();

        var turn = await silo.Run("x [[length=3000 chunks=3 pace=300ms first_byte=200ms op9=1]]");

        Assert.Equal((await silo.Finished()).Detail, await turn.UntilComplete());
    }

    [Theory]
    [InlineData(RestFaultKind.LoseAnswer)]
    [InlineData(RestFaultKind.Cut)]
    public async Task Post_whose_response_was_lost_is_sent_again_but_posted_once(RestFaultKind fault)
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.Fail(new RestFault { Kind = fault, Route = "POST /channels/" });

        await (await silo.Run("x")).UntilComplete();

        Assert.Single(silo.Posts);
        Assert.Equal(fault == RestFaultKind.LoseAnswer ? 1 : 0, silo.Discord.Records.Count(DiscordRecordKind.NonceMatched));
        Assert.Equal(0, silo.Discord.Records.Count(DiscordRecordKind.DoubleSend));
    }

    [Fact]
    public async Task Listener_without_the_intent_fails_the_turn_with_an_error_that_says_so()
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.SetPrivilegedIntents(DiscordSeeds.Listeners[0].Id, 0);

        var turn = await silo.Run("x");

        Assert.Equal(ErrorCode.UpstreamUnavailable, turn.Error?.Code);
        Assert.Contains("ntent", turn.Error!.Message, StringComparison.Ordinal);
        await silo.UntilChannelsDeleted();
    }

    [Fact]
    public async Task Listener_that_is_not_in_the_server_fails_with_a_reason_that_says_so()
    {
        await using var silo = await DiscordSilo.Start();
        silo.Discord.SetMembership(DiscordSeeds.Listeners[0].Id, DiscordSilo.Guild.Id, isMember: false);

        var health = await silo.WaitForListener("l1");

        Assert.Contains("not in the Discord server", health.Reason, StringComparison.Ordinal);
        Assert.NotNull((await silo.Run("x")).Error);
    }
}
