using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests;

/// <summary>Tests imports of a fleet while turns run.</summary>
public class ChangedFleetTests : GrainTest
{
    public ChangedFleetTests() => Hooks.State = "fleet";

    [Fact]
    public async Task Import_AfterAFailedSave_IsStored()
    {
        Hooks.BeforeSave = () => throw new TimeoutException();
        await Assert.ThrowsAsync<ClusterException>(() => Catalog.Import(Fleet("2", "new")));
        Hooks.BeforeSave = () => Task.CompletedTask;
        Assert.Equal("a1", Silo.Fleet.FindAccount("a1")!.Token!.Sealed);

        await Catalog.Import(Fleet("2", "new"));
        await Silo.RestartAsync();

        Assert.Equal("new", Silo.Fleet.FindAccount("a1")!.Token!.Sealed);
    }

    [Fact]
    public async Task Import_WhoseAnswerFromTheStorageIsLost_IsInForceAfterTheNextOne()
    {
        Hooks.AfterSave = () => throw new TimeoutException();
        await Assert.ThrowsAsync<ClusterException>(() => Catalog.Import(Fleet("2", "new")));
        Hooks.AfterSave = () => Task.CompletedTask;

        await Catalog.Import(Fleet("2", "new"));

        Assert.Equal("new", Silo.Fleet.FindAccount("a1")!.Token!.Sealed);
    }

    [Fact]
    public async Task EditElsewhere_KeepsTheStateOfAnAccountWhoseSecretIsTheSame()
    {
        await Catalog.Import(Fleet("2", "sealed once", fingerprint: "same"));
        var account = Silo.Grains.GetGrain<IAccountGrain>("a1");
        await account.Acquire("refused");
        await account.Return("refused", new LeaseOutcome(new Error(ErrorCode.UpstreamUnauthorized, "The token was revoked.")));
        var before = await account.Acquire("before");
        Assert.Equal(ErrorCode.UpstreamUnauthorized, before.Refusal!.Error.Code);

        var edited = Fleet("3", "sealed again", fingerprint: "same");
        var added = new BotDefinition { Id = "added", Upstream = "fake", UpstreamBotId = "2", Accounts = ["a1"] };
        await Catalog.Import(edited with { Bots = [.. edited.Bots, added] });
        Silo.Time.Advance(TimeSpan.FromSeconds(2));
        await LetGrainsRun();

        Assert.NotNull(Silo.Fleet.FindBot("added"));
        Assert.Equal(before, await account.Acquire("after"));

        await Catalog.Import(Fleet("4", "another secret", fingerprint: "other"));
        Assert.NotNull((await account.Acquire("with the new secret")).Grant);
    }

    [Fact]
    public async Task NewCredential_OfADisabledAccount_IsUsedWithinSeconds()
    {
        var error = new Error(ErrorCode.UpstreamQuotaExceeded, "No credit.", Until: Silo.Time.GetUtcNow() + TimeSpan.FromHours(1));
        var first = await Begin(Request(model: "single"));
        (await Upstream.NextOpened()).Fail(error);
        (await Upstream.NextOpened()).Fail(error);
        await first.Subscriber.UntilEnd();
        Assert.IsType<ReplyFailed>(await (await Begin(Request(model: "single"))).Subscriber.UntilEnd());
        Assert.IsType<ReplyFailed>(await (await Begin(Request(model: "single"))).Subscriber.UntilEnd());

        await Catalog.Import(Fleet("2", "new"));
        await PassSeconds(15, () => false, TimeSpan.FromSeconds(1));

        await Complete(Request(model: "single"), "Hello");
    }

    [Fact]
    public async Task NewCredential_IsNotDisabledByTurnsOfTheOldOne()
    {
        var account = Silo.Grains.GetGrain<IAccountGrain>("a1");
        await account.Acquire("old");
        await Catalog.Import(Fleet("2", "new"));
        Silo.Time.Advance(TimeSpan.FromSeconds(2));

        await account.Return("old", new LeaseOutcome(new Error(ErrorCode.UpstreamUnauthorized, "The token was revoked.")));

        Assert.NotNull((await account.Acquire("new")).Grant);
    }

    private static Fleet Fleet(string version, string token, string? fingerprint = null)
    {
        var fleet = SmallFleet();
        var secret = new Secret(token) { Fingerprint = fingerprint };
        return fleet with { Version = version, Accounts = [.. fleet.Accounts.Select(account => account with { Token = secret })] };
    }
}
