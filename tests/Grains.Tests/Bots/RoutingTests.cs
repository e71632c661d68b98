using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using CozeCluster.Grains.Tests.Runtime;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>Tiers of a model, and limits of bots and accounts, with whole turns.</summary>
public sealed class RoutingTests : GrainTest
{
    private readonly SentCalls _sent = new();

    protected override bool OverTheWire => false;

    [Fact]
    public async Task BotOfALowerTier_IsUsedOnlyWhileNoneBeforeIsAvailable()
    {
        await Import(model => model with { Shares = [new BotShare("b1") { Priority = 2 }] }, bot => bot.Id == "b2" ? bot with { MaxConcurrentTurns = 1 } : bot);

        var first = await BeginOn("b2");
        var second = await BeginOn("b1");
        await End(first);
        await End(await BeginOn("b2"));
        await End(second);
    }

    [Fact]
    public async Task AccountAtItsLimit_IsSkipped_AndAllAtTheirLimit_AreAnOverloadWithATime()
    {
        await Import(account: account => account with { Limits = new LimitsDefinition { Daily = new() { Requests = 2 } } });
        var accounts = new List<string>();
        for (var i = 0; i < 4; i++)
        {
            var (turn, exchange) = await BeginNext();
            accounts.Add(exchange.Turn.Account.Id);
            await End((turn, exchange));
        }
        Assert.Equal(["a1", "a1", "a2", "a2"], accounts.Order());

        var refused = Assert.IsType<ReplyFailed>(await (await Begin(Request())).Subscriber.UntilEnd());
        Assert.Equal(ErrorCode.UpstreamRateLimited, refused.Error.Code);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), refused.Error.Until);
        Assert.Contains("daily budget", refused.Error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task BudgetOfABot_AfterACrash_IsNotExceeded()
    {
        await Import(bot: bot => bot with { Limits = new LimitsDefinition { Daily = new() { Requests = 5 } } });
        for (var i = 0; i < 4; i++) await End(await BeginNext());
        await Crash();
        await Import(bot: bot => bot with { Limits = new LimitsDefinition { Daily = new() { Requests = 5 } } });

        var served = 4;
        while (await TryBegin() is { } begun)
        {
            served++;
            await End(begun);
        }
        // Two bots with five requests each. Blocks of such small budgets are single turns, so nothing is lost.
        Assert.Equal(10, served);
    }

    [Fact]
    public async Task TokensOfABot_CountAsTheUpstreamReportsThem()
    {
        // A reply uses 7 tokens. While a turn runs, it counts with what it may use.
        var limits = new LimitsDefinition { Monthly = new() { Tokens = 5_000 } };
        await Import(bot: bot => bot.Id == "single" ? bot with { MaxConcurrentTurns = null, Limits = limits } : bot);
        for (var i = 0; i < 20; i++) await End(await BeginNext("single"));
        var running = await BeginNext("single");

        Assert.Equal(ErrorCode.UpstreamRateLimited, Assert.IsType<ReplyFailed>(await (await Begin(Request(model: "single"))).Subscriber.UntilEnd()).Error.Code);
        await End(running);
    }

    [Fact]
    public async Task LimitsOfBotsAndAccounts_CostNoFurtherCalls()
    {
        var limits = new LimitsDefinition { RequestsPerMinute = 1_000, Daily = new() { Requests = 1_000_000 } };
        await Import(bot: bot => bot with { Limits = limits }, account: account => account with { Limits = limits });
        for (var i = 0; i < 8; i++) await RunTurn();
        var before = Calls();

        await RunTurn();

        var made = Calls().Select(call => (call.Key, Count: call.Value - before.GetValueOrDefault(call.Key))).Where(call => call.Count > 0);
        Assert.Equal(
            "account.AcquireWithin 1, account.Return 1, bot.Acquire 1, bot.Return 1, conversation.Begin 1, model-pool.Pick 1, tenant.Admit 1, tenant.Settle 1",
            string.Join(", ", made.OrderBy(call => call.Key, StringComparer.Ordinal).Select(call => $"{call.Key} {call.Count}")));
    }

    [Fact]
    public async Task FirstBatch_SaysWhoAnswersAfterHowManyAttempts()
    {
        ReplySource? source = null;
        var subscriber = new RecordingSubscriber();
        subscriber.Answer = batch =>
        {
            if (batch.Events.Count > 0) source ??= batch.Source;
            return ReplyAck.Taken;
        };
        var turn = await Begin(Request(), subscriber);
        var refused = await Upstream.NextOpened();
        refused.Fail(ErrorCode.UpstreamUnavailable);
        var answering = await Upstream.NextOpened();
        answering.Identify().Say("A reply.").Complete();
        await turn.Subscriber.UntilEnd();

        Assert.NotEqual(refused.Turn.Bot.Id, answering.Turn.Bot.Id);
        Assert.Equal(new ReplySource(answering.Turn.Bot.Id, 2), source);
        Assert.Equal(source, (await turn.Grain.Read(Tenant, turn.Id, Cursor.Start, 100)).Source);
        Assert.Null((await turn.Grain.Read(Tenant, turn.Id, turn.Subscriber.Cursor, 100)).Source);
    }

    [Fact]
    public async Task TenantsWithThousandsOfBots_DoNotAllBeginWithTheSame()
    {
        var bot = SmallFleet().Bots[0];
        List<BotDefinition> bots = [.. Enumerable.Range(0, 10_000).Select(i => bot with { Id = $"x{i}" })];
        List<TenantDefinition> tenants = [.. Enumerable.Range(0, 100).Select(i => new TenantDefinition { Id = $"u{i}" })];
        await Catalog.Import(SmallFleet() with
        {
            Version = "2", Tenants = tenants, Bots = bots, Models = [new ModelDefinition { Id = "m", Bots = [.. bots.Select(one => one.Id)] }],
        });
        var counts = new Dictionary<string, int>();
        foreach (var tenant in tenants)
        {
            for (var i = 0; i < 20; i++)
            {
                var pick = await Silo.Grains.GetGrain<IModelPoolGrain>(GrainKeys.ModelPool(tenant.Id, "m")).Pick(tenant.Id, "m", new PickRequest(null, []));
                counts[pick.BotId!] = counts.GetValueOrDefault(pick.BotId!) + 1;
            }
        }

        // In the same order from the same bot, twenty bots would have a hundred turns each.
        Assert.InRange(counts.Count, 1_500, 2_000);
        Assert.InRange(counts.Values.Max(), 1, 6);
    }

    protected override void Configure(ISiloBuilder silo) => silo.AddOutgoingGrainCallFilter(_sent);

    private Task Import(
        Func<ModelDefinition, ModelDefinition>? model = null,
        Func<BotDefinition, BotDefinition>? bot = null,
        Func<AccountDefinition, AccountDefinition>? account = null)
    {
        var fleet = SmallFleet();
        return Catalog.Import(fleet with
        {
            Version = Guid.NewGuid().ToString("n"),
            Models = [.. fleet.Models.Select(one => one.Id == "m" && model is not null ? model(one) : one)],
            Bots = [.. fleet.Bots.Select(one => bot?.Invoke(one) ?? one)],
            Accounts = [.. fleet.Accounts.Select(one => account?.Invoke(one) ?? one)],
        });
    }

    private async Task<(BegunTurn Turn, FakeExchange Exchange)> BeginNext(string model = "m") =>
        (await Begin(Request(model: model)), await Upstream.NextOpened());

    private async Task<(BegunTurn Turn, FakeExchange Exchange)> BeginOn(string bot)
    {
        var begun = await BeginNext();
        Assert.Equal(bot, begun.Exchange.Turn.Bot.Id);
        return begun;
    }

    private async Task<(BegunTurn Turn, FakeExchange Exchange)?> TryBegin()
    {
        var turn = await Begin(Request());
        var opened = Upstream.NextOpened();
        var end = turn.Subscriber.UntilEnd();
        return await Task.WhenAny(opened, end) == opened ? (turn, await opened) : null;
    }

    private static async Task End((BegunTurn Turn, FakeExchange Exchange) begun)
    {
        begun.Exchange.Identify().Say("A reply.").Complete();
        Assert.IsType<ReplyCompleted>(await begun.Turn.Subscriber.UntilEnd());
    }

    private async Task RunTurn()
    {
        var turn = await Complete(Request(), "A reply.");
        await TestSilo.DeactivateAsync(turn.Grain);
        await turn.Grain.GetTurn(Tenant, turn.Id);
    }

    private Dictionary<string, int> Calls() => _sent.All
        .Where(call => call.IsOwn && call.Method != nameof(IConversationGrain.GetTurn))
        .CountBy(call => $"{call.Target.Type}.{call.Method}")
        .ToDictionary();
}
