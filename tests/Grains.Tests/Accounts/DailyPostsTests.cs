using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Accounts;

public sealed class DailyPostsTests : GrainTest
{
    private IAccountGrain Account => Silo.Grains.GetGrain<IAccountGrain>("a1");

    [Fact]
    public async Task Acquire_AtTheDailyLimit_IsRefusedUntilMidnight()
    {
        await SetLimit(2);
        await Post(1);
        Assert.NotNull((await Account.Acquire("first")).Grant);
        await Post(2);

        var refusal = (await Account.Acquire("second")).Refusal!;
        var midnight = Silo.Time.GetUtcNow().Date.AddDays(1);
        Assert.Equal((ErrorCode.UpstreamQuotaExceeded, midnight), (refusal.Error.Code, refusal.Until!.Value.UtcDateTime));
        // A turn that has begun may continue.
        Assert.NotNull((await Account.Acquire("first")).Grant);

        Silo.Time.Advance(refusal.Until.Value - Silo.Time.GetUtcNow());
        Assert.NotNull((await Account.Acquire("second")).Grant);
    }

    [Fact]
    public async Task Acquire_WithoutALimit_IsNeverRefused()
    {
        for (var n = 0; n < 10; n++) await Post(n);

        Assert.NotNull((await Account.Acquire("first")).Grant);
    }

    [Fact]
    public async Task Post_Refused_IsNotCounted()
    {
        await SetLimit(1);
        Discord.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamFailed, "not now"));
        await Assert.ThrowsAsync<ClusterException>(() => Post(1));

        Assert.NotNull((await Account.Acquire("first")).Grant);
    }

    [Fact]
    public async Task Acquire_AfterARestart_IsStillRefused()
    {
        await SetLimit(1);
        await Post(1);

        await Silo.RestartAsync();

        Assert.NotNull((await Account.Acquire("first")).Refusal);
    }

    private async Task SetLimit(int posts)
    {
        var fleet = SmallFleet();
        var limited = fleet.Accounts[0] with { Options = new Dictionary<string, string> { ["daily_posts"] = $"{posts}" } };
        await Catalog.Import(fleet with { Version = $"{posts} a day", Accounts = [limited, .. fleet.Accounts.Skip(1)] });
        Silo.Time.Advance(TimeSpan.FromSeconds(2));
        await LetGrainsRun();
    }

    private Task<DiscordPosted> Post(int n) =>
        Account.Post(new DiscordPost { ChannelId = "1", Text = "x", Nonce = $"{n}" }, TestContext.Current.CancellationToken);
}
