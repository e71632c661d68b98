using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Health;

/// <summary>Tests the health of bots and accounts, as operators see it.</summary>
public sealed class HealthTests : GrainTest
{
    [Fact]
    public async Task List_NothingUsed_IsUnknown()
    {
        var entries = await List();

        Assert.Equal(["b1", "b2", "impatient", "single"], entries.Where(entry => entry.Kind == HealthKind.Bot).Select(entry => entry.Id));
        Assert.Equal(["a1", "a2"], entries.Where(entry => entry.Kind == HealthKind.Account).Select(entry => entry.Id));
        Assert.All(entries, entry => Assert.Equal(HealthState.Unknown, entry.State));
    }

    [Fact]
    public async Task Turn_Completed_BotAndAccountAreOk()
    {
        await Complete(Request(model: "single"), "yes");

        var bot = await Until(HealthKind.Bot, "single", HealthState.Ok);
        var accounts = (await List()).Where(entry => entry is { Kind: HealthKind.Account, State: HealthState.Ok });
        Assert.Null(bot.Reason);
        Assert.Single(accounts);
    }

    [Fact]
    public async Task Account_Refused_IsDisabledUntilItWorksAgain()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "Coze says: the token is invalid."));
        await Complete(Request(model: "single"), "with the other");

        var entry = Assert.Single(await ListWith(HealthState.SetAside), entry => entry is { Kind: HealthKind.Account, State: HealthState.SetAside });
        Assert.Equal("Coze says: the token is invalid.", entry.Reason);
        Assert.Equal(ErrorCode.UpstreamUnauthorized, entry.Code);
        Assert.Equal(Silo.Time.GetUtcNow().AddMinutes(1), entry.Until);

        Silo.Time.Advance(TimeSpan.FromMinutes(2));
        // It is tried again with the next turn, so there is no time to wait for.
        entry = await Find(HealthKind.Account, entry.Id);
        Assert.Equal((HealthState.SetAside, null), (entry.State, entry.Until));
        await Complete(Request(model: "single"), "one");
        await Complete(Request(model: "single"), "two");
        await Until(HealthKind.Account, entry.Id, HealthState.Ok);
    }

    [Fact]
    public async Task Account_AtALimit_CoolsDownAndIsOkAfterwards()
    {
        var until = Silo.Time.GetUtcNow().AddHours(9);
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamQuotaExceeded, "Coze says: no credits.", until: until));
        await Complete(Request(model: "single"), "with the other");

        var entry = Assert.Single(await ListWith(HealthState.Cooling), entry => entry is { Kind: HealthKind.Account, State: HealthState.Cooling });
        Assert.Equal(until, entry.Until);

        Silo.Time.Advance(TimeSpan.FromHours(9));
        entry = await Find(HealthKind.Account, entry.Id);
        Assert.Equal((HealthState.Ok, until, (string?)null), (entry.State, entry.Since, entry.Reason));
    }

    [Fact]
    public async Task Bot_AllAccountsAtALimit_CoolsDown()
    {
        var until = Silo.Time.GetUtcNow().AddHours(9);
        for (var i = 0; i < 2; i++) Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamQuotaExceeded, "Coze says: no credits.", until: until));
        await (await Begin(Request(model: "single"))).Subscriber.UntilEnd();

        await (await Begin(Request(model: "single"))).Subscriber.UntilEnd();

        var bot = await Until(HealthKind.Bot, "single", HealthState.Cooling);
        Assert.Equal((until, "The account of the bot has no credits left for now."), (bot.Until, bot.Reason));
    }

    [Fact]
    public async Task Bot_AllAccountsRefused_IsFailing()
    {
        for (var i = 0; i < 2; i++) Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "Coze says: the token is invalid."));
        await (await Begin(Request(model: "single"))).Subscriber.UntilEnd();

        await (await Begin(Request(model: "single"))).Subscriber.UntilEnd();

        var bot = await Until(HealthKind.Bot, "single", HealthState.Failing);
        Assert.Equal("The bot's platform does not accept the account of the bot. Its operator has to act.", bot.Reason);
    }

    [Fact]
    public async Task Account_RefusedForOneBot_IsNotUsedByThatBotAndStillByOthers()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamForbidden, "No permission in this channel.") { IsForOneBotOnly = true });
        var used = await CompleteOn("single");
        Assert.DoesNotContain(await List(), entry => entry.State is HealthState.SetAside or HealthState.Cooling or HealthState.Failing);

        for (var i = 0; i < 3; i++) Assert.Equal(used, await CompleteOn("single"));
        Assert.Equal(2, new[] { await CompleteOn("m"), await CompleteOn("m"), await CompleteOn("m"), await CompleteOn("m") }.Distinct().Count());

        Silo.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.NotEqual(await CompleteOn("single"), await CompleteOn("single"));
    }

    [Fact]
    public async Task Bot_FailsThreeTimes_IsFailingUntilTheBreakerCloses()
    {
        for (var i = 0; i < Breaker.Threshold; i++)
        {
            Assert.Equal(HealthState.Unknown, (await Find(HealthKind.Bot, "single")).State);
            Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamTimeout, "Coze did not answer."));
            await (await Begin(Request(model: "single"))).Subscriber.UntilEnd();
        }

        var bot = await Until(HealthKind.Bot, "single", HealthState.Failing);
        Assert.Equal("Coze did not answer.", bot.Reason);
        Assert.Equal(Silo.Time.GetUtcNow().AddSeconds(2), bot.Until);

        Silo.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Null((await Find(HealthKind.Bot, "single")).Until);
        await Complete(Request(model: "single"), "again");
        await Until(HealthKind.Bot, "single", HealthState.Ok);
    }

    [Fact]
    public async Task Entry_SurvivesARestart_AndIsRemovedWithTheBot()
    {
        var health = Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);
        await health.Report(new HealthEntry(HealthKind.Bot, "b1", HealthState.Failing) { Since = Silo.Time.GetUtcNow() });
        await Silo.RestartAsync();
        Assert.Equal(HealthState.Failing, (await Find(HealthKind.Bot, "b1")).State);

        var fleet = SmallFleet();
        await Catalog.Import(fleet with { Version = "2", Bots = [.. fleet.Bots.Skip(1)], Models = [] });
        Silo.Time.Advance(TimeSpan.FromSeconds(2));

        Assert.DoesNotContain(await List(), entry => entry.Id == "b1");
    }

    [Fact]
    public async Task Report_SameState_KeepsSince()
    {
        var start = Silo.Time.GetUtcNow();
        var health = Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health);
        await health.Report(Failing(start));
        await health.Report(Failing(start.AddHours(1)) with { Reason = "another reason" });

        var entry = await Find(HealthKind.Bot, "b1");
        Assert.Equal((start, "another reason"), (entry.Since, entry.Reason));
    }

    private static HealthEntry Failing(DateTimeOffset since) => new(HealthKind.Bot, "b1", HealthState.Failing)
    {
        Code = ErrorCode.UpstreamFailed, Reason = "a reason", Since = since,
    };

    private Task<IReadOnlyList<HealthEntry>> List() => Silo.Grains.GetGrain<IHealthGrain>(GrainKeys.Health).List();

    private async Task<HealthEntry> Find(HealthKind kind, string id) => (await List()).Single(entry => entry.Kind == kind && entry.Id == id);

    /// <summary>Lists all entries as soon as an account has the state. States are reported in the background.</summary>
    private async Task<IReadOnlyList<HealthEntry>> ListWith(HealthState state)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (await List() is var entries && entries.Any(entry => entry.Kind == HealthKind.Account && entry.State == state)) return entries;
            await LetGrainsRun();
        }
        throw new TimeoutException($"No account became {state}.");
    }

    /// <summary>Gets the entry as soon as it has the state. States are reported in the background.</summary>
    private async Task<HealthEntry> Until(HealthKind kind, string id, HealthState state)
    {
        for (var i = 0; i < 1000; i++)
        {
            if (await Find(kind, id) is var entry && entry.State == state) return entry;
            await LetGrainsRun();
        }
        throw new TimeoutException($"{kind} {id} did not become {state}, but {(await Find(kind, id)).State}.");
    }

    /// <summary>Runs a turn.</summary>
    /// <returns>The account that it used.</returns>
    private async Task<string> CompleteOn(string model)
    {
        var turn = await Begin(Request(model: model));
        var exchange = await Upstream.NextOpened();
        exchange.Identify().Say("yes").Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
        return exchange.Turn.Account.Id;
    }
}
