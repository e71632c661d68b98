using System.Text;
using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Conversations;

/// <summary>Turns whose credential of the upstream came with the request.</summary>
public sealed class RequestCredentialTests : GrainTest
{
    private const string Canary = "canary-of-a-credential-4711";

    [Fact]
    public async Task Run_AccountTakesCredentials_ReceivesItAndNothingKeepsIt()
    {
        var credentials = Silo.Services.GetRequiredService<PlainCredentials>();
        var first = await Begin(Own("talk"));
        var waiting = await Begin(Own("talk"));
        var exchange = await Upstream.NextOpened();
        Assert.Equal(("own", Canary), (exchange.Turn.Account.Id, exchange.Turn.Account.Token!.Sealed));
        Assert.Equal(1, credentials.InUse);
        Assert.True(ReadFiles().Contains(waiting.Id, StringComparison.Ordinal), "The waiting turn is not stored.");
        exchange.Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await first.Subscriber.UntilEnd());
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await waiting.Subscriber.UntilEnd());

        await PassUntil(() => credentials.InUse == 0);
        Assert.DoesNotContain(Canary, ReadFiles(), StringComparison.Ordinal);
        await Silo.StopAsync();
        Assert.DoesNotContain(Canary, ReadFiles(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_WrongCredential_IsTheFaultOfItsTenantOnly()
    {
        for (var i = 0; i < 6; i++)
        {
            Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnauthorized, "Incorrect key."));
            var turn = await Begin(Own());
            var error = Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error;
            Assert.Equal(ErrorCode.UpstreamCredentialRefused, error.Code);
            Assert.Equal("The upstream refused the credential that came with the request. Incorrect key.", error.Message);
            Assert.Equal(i + 1, Upstream.OpenedCount);
        }
        await AssertOthersAreServed();
    }

    [Theory]
    [InlineData(ErrorCode.UpstreamRateLimited)]
    [InlineData(ErrorCode.UpstreamQuotaExceeded)]
    [InlineData(ErrorCode.UpstreamForbidden)]
    [InlineData(ErrorCode.UpstreamNotFound)]
    public async Task Run_LimitsOfACredential_NeitherDisableTheAccountNorOpenTheBreaker(ErrorCode code)
    {
        for (var i = 0; i < 6; i++)
        {
            Upstream.Refusals.Enqueue(new ClusterException(code, "Not with this key."));
            var turn = await Begin(Own());
            Assert.Equal(code, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
            Assert.Equal(i + 1, Upstream.OpenedCount);
        }
        await AssertOthersAreServed();
    }

    [Fact]
    public async Task Run_BotFails_TheFallbackDoesNotReceiveTheCredential()
    {
        Upstream.Refusals.Enqueue(new ClusterException(ErrorCode.UpstreamUnavailable, "Down."));
        var turn = await Begin(Own(model: "chain"));
        var exchange = await Upstream.NextOpened();
        Assert.Equal(("b1", exchange.Turn.Account.Id), (exchange.Turn.Bot.Id, exchange.Turn.Account.Token!.Sealed));
        exchange.Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    [Fact]
    public async Task Run_CredentialForAnotherUpstream_IsNotUsed()
    {
        var turn = await Begin(Own(model: "mixed") with { Credential = new RequestCredential { Upstream = "another", Value = Canary } });
        var exchange = await Upstream.NextOpened();
        Assert.Equal(("a1", "a1"), (exchange.Turn.Account.Id, exchange.Turn.Account.Token!.Sealed));
        exchange.Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilEnd();
    }

    [Fact]
    public async Task Run_BotWithBothKindsOfAccounts_UsesTheOneThatFits()
    {
        for (var i = 0; i < 4; i++)
        {
            foreach (var (request, account) in new[] { (Own(model: "mixed"), "own"), (Request(model: "mixed"), "a1") })
            {
                var turn = await Begin(request);
                var exchange = await Upstream.NextOpened();
                Assert.Equal(account, exchange.Turn.Account.Id);
                exchange.Identify().Say("Hello").Complete();
                await turn.Subscriber.UntilEnd();
            }
        }
    }

    [Fact]
    public async Task Run_PoolWithBothKindsOfBots_PicksThoseThatFit()
    {
        for (var i = 0; i < 4; i++)
        {
            foreach (var (request, bot) in new[] { (Own(model: "pool"), "own"), (Request(model: "pool"), "b1") })
            {
                var turn = await Begin(request);
                var exchange = await Upstream.NextOpened();
                Assert.Equal(bot, exchange.Turn.Bot.Id);
                exchange.Identify().Say("Hello").Complete();
                await turn.Subscriber.UntilEnd();
            }
        }
    }

    [Fact]
    public async Task Run_WithoutTheCredential_IsRefusedAndNothingIsSent()
    {
        var turn = await Begin(Request(model: "own"));
        Assert.Equal(ErrorCode.NoBotAvailable, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
        Assert.Equal(0, Upstream.OpenedCount);
    }

    [Fact]
    public async Task Crash_TurnsThatNeedTheCredential_EndHonestly()
    {
        var running = await Begin(Own("talk"));
        (await Upstream.NextOpened()).Identify().Say("Hello");
        await running.Subscriber.UntilText("Hello");
        var waiting = await Begin(Own("talk"));

        await Crash();

        var (resumed, sent) = (new RecordingSubscriber(), new RecordingSubscriber());
        await Subscribe(running, Cursor.Start, resumed);
        await Subscribe(waiting, Cursor.Start, sent);
        var outcome = Assert.IsType<ReplyFailed>(await resumed.UntilEnd()).Error;
        Assert.Equal(ErrorCode.UpstreamOutcomeUnknown, outcome.Code);
        Assert.Contains("credential", outcome.Message, StringComparison.Ordinal);
        var lost = Assert.IsType<ReplyFailed>(await sent.UntilEnd()).Error;
        Assert.Equal(ErrorCode.Draining, lost.Code);
        Assert.Contains("credential", lost.Message, StringComparison.Ordinal);
        Assert.Equal(0, Upstream.OpenedCount);
    }

    private static TurnRequest Own(string? conversation = null, string model = "own") =>
        Request(conversation, model: model) with { Credential = new RequestCredential { Upstream = "fake", Value = Canary } };

    private async Task AssertOthersAreServed()
    {
        var other = Own() with { TenantId = "t2", TurnId = TestIds.Ids.NewTurn("t2", null) };
        var turn = await Begin(other);
        (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
        Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
    }

    protected override Fleet CreateFleet()
    {
        var small = SmallFleet();
        var own = new AccountDefinition { Id = "own", Upstream = "fake", BaseUrl = "http://localhost", CredentialFromRequest = true };
        return small with
        {
            Version = "own",
            Accounts = [.. small.Accounts, own],
            Bots = [.. small.Bots, Bot("own", "own"), Bot("mixed", "own", "a1")],
            Models =
            [
                .. small.Models, Model("own", "own"), Model("mixed", "mixed"), Model("pool", "own", "b1"), Model("chain", "own") with { Fallback = ["b1"] },
            ],
        };
    }

    private static BotDefinition Bot(string id, params string[] accounts) => new() { Id = id, Upstream = "fake", UpstreamBotId = "1", Accounts = accounts };

    private static ModelDefinition Model(string id, params string[] bots) => new() { Id = id, Bots = bots };

    private string ReadFiles() => string.Concat(Directory.GetFiles(Silo.Directory, "*.db*").Select(file =>
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var content = new MemoryStream();
        stream.CopyTo(content);
        return Encoding.Latin1.GetString(content.ToArray());
    }));
}
