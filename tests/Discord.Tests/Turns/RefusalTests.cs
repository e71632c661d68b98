using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Discord.Tests;

/// <summary>Discord refuses an account or a listener something in one place. Accounts are still used elsewhere.</summary>
public sealed class RefusalTests
{
    [Fact]
    public async Task Account_that_may_not_post_in_a_channel_is_replaced_there_and_used_elsewhere()
    {
        var inChannel = DiscordSilo.Bot("b1", ("channel", "fixed"), ("channel_id", DiscordSilo.Guild.FixedId)) with { Accounts = ["a1", "a2"] };
        var elsewhere = DiscordSilo.Bot("b2") with { Accounts = ["a1"] };
        await using var silo = await DiscordSilo.Start(bots: [inChannel, elsewhere]);
        var refused = DiscordSeeds.Accounts[0].Id;
        silo.Discord.Fail(new RestFault
        {
            Kind = RestFaultKind.Status, Status = 403, Times = 99, Route = $"POST /channels/{DiscordSilo.Guild.FixedId}/messages", UserId = refused,
        });

        for (var i = 0; i < 4; i++) await (await silo.Run("Hello", "b1")).UntilComplete();
        await (await silo.Run("Hello", "b2")).UntilComplete();

        Assert.Equal([.. Enumerable.Repeat(DiscordSeeds.Accounts[1].Id, 4), refused], silo.Posts.Select(post => post.UserId));
        Assert.DoesNotContain(await Health(silo), entry => entry is { Kind: HealthKind.Account, State: not (HealthState.Ok or HealthState.Unknown) });
    }

    [Fact]
    public async Task Refusal_of_the_listener_does_not_disable_the_account()
    {
        var listener = DiscordSeeds.Listeners[0].Id;
        await using var silo = await DiscordSilo.Start(bots: DiscordSilo.Bot("b1") with { Accounts = ["a1"] });
        // As often as the turn is tried on its only bot.
        silo.Discord.Fail(new RestFault { Kind = RestFaultKind.Status, Status = 403, Times = 3, Route = "POST /guilds/", UserId = listener });

        var turn = await silo.Run("Hello");

        Assert.Equal(ErrorCode.UpstreamUnavailable, turn.Error?.Code);
        Assert.Contains("listener 'l1'", turn.Error!.Message, StringComparison.Ordinal);
        await (await silo.Run("Hello")).UntilComplete();
    }

    [Fact]
    public async Task Account_whose_token_is_refused_is_used_nowhere()
    {
        await using var silo = await DiscordSilo.Start(
            bots: [DiscordSilo.Bot("b1") with { Accounts = ["a1", "a2"] }, DiscordSilo.Bot("b2") with { Accounts = ["a1"] }]);
        silo.Discord.RevokeToken(DiscordSeeds.Accounts[0].Id);

        for (var i = 0; i < 2; i++) await (await silo.Run("Hello", "b1")).UntilComplete();

        Assert.Equal(ErrorCode.UpstreamUnauthorized, (await silo.Run("Hello", "b2")).Error?.Code);
    }

    private static Task<IReadOnlyList<HealthEntry>> Health(DiscordSilo silo) => silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health).List();
}
