using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What turns are charged, and what they count for, when prepaid credit, budgets, prices and models change.</summary>
public sealed class BudgetChangesTests : GrainTest
{
    private static readonly LimitsDefinition ManyCredits = new() { Daily = new BudgetDefinition { Credits = 1_000 } };

    private int _versions;

    [Fact]
    public async Task PrepaidCredit_IsUsedOnlyByTurnsThatBeginWhileItIsSwitchedOn()
    {
        await Apply(ManyCredits);
        for (var i = 0; i < 3; i++) await Complete(Request(), "Hello");
        await Apply(ManyCredits, prepaid: true);
        await AddCredit(4);
        for (var i = 0; i < 3; i++) await Complete(Request(), "Hello");
        await Apply(ManyCredits);
        for (var i = 0; i < 3; i++) await Complete(Request(), "Hello");
        await Apply(ManyCredits, prepaid: true);

        Assert.Equal(3, await Used(BudgetPeriod.Ever));
        Assert.Equal(9, await Used(BudgetPeriod.Day));
        Assert.True(await Fits());
        await Complete(Request(), "Hello");

        Assert.False(await Fits());
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);
        Assert.Equal(4, await Used(BudgetPeriod.Ever));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Budget_CountsFromItsDeclaration(bool ofKey)
    {
        var (requests, many) = (Request() with { KeyName = "key" }, new LimitsDefinition { Daily = new BudgetDefinition { Requests = 100 } });
        var two = new LimitsDefinition { Daily = new BudgetDefinition { Requests = 2 } };
        await Apply(ofKey ? many : null, ofKey ? null : many);
        for (var i = 0; i < 5; i++) await Complete(New(), "Hello");

        await Apply(ofKey ? many : two, ofKey ? two : many);

        for (var i = 0; i < 2; i++)
        {
            Assert.True(await Fits("key"));
            await Complete(New(), "Hello");
        }
        Assert.False(await Fits("key"));
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(New())).Refusal?.Code);

        TurnRequest New() => Request() with { KeyName = requests.KeyName };
    }

    [Fact]
    public async Task FreeTurn_CountsInABudgetOfCredits_WhoseLimitChangesLater()
    {
        await Apply(ManyCredits, price: null);
        for (var i = 0; i < 3; i++) await Complete(Request(), "Hello");
        // Every shard begins another epoch.
        Silo.Time.Advance(TimeSpan.FromHours(2));
        for (var i = 0; i < 12; i++) await Complete(Request(), "Hello");

        await Apply(new LimitsDefinition { Daily = new BudgetDefinition { Requests = 16 } });

        await Complete(Request(), "Hello");
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    [InlineData(false, true)]
    public async Task Turn_IsChargedThePriceOfItsReservation(bool isDeleted, bool crashes)
    {
        await Apply(ManyCredits, price: new PriceDefinition { Input = 10, Output = 100, Request = 5 });
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify().Say("Hel");
        await turn.Subscriber.UntilText("Hel");
        if (crashes)
        {
            await Crash(sweep: false);
            await Change();
            await Silo.Grains.GetGrain<ITurnRecoveryGrain>(GrainKeys.TurnRecovery).Sweep(TimeSpan.Zero);
            (await Upstream.NextAttached()).Whole("Hello").Complete();
        }
        else
        {
            await Change();
            exchange.Say("lo").Complete();
        }
        await PassUntil(() => ChargeOf(turn.Id).State == (long)ChargeState.Settled);

        Assert.Equal(((long)ChargeState.Settled, 1L, 7L, 3 * 10 + 4 * 100 + 5 * Amounts.UnitsPerCredit), ChargeOf(turn.Id));

        Task Change() => isDeleted ? Apply(ManyCredits, model: "another") : Apply(ManyCredits, price: new PriceDefinition { Request = 1 });
    }

    private async Task<long> Used(BudgetPeriod period)
    {
        var status = await Budget.GetStatus(Tenant, null);
        return status.Settled.Concat(status.Reserved).Where(line => line.Period == period).Sum(line => line.Amounts.Credits) / Amounts.UnitsPerCredit;
    }

    /// <summary>Whether a dry run says that budgets suffice for a turn.</summary>
    private async Task<bool> Fits(string? key = null)
    {
        var question = new RouteQuestion(Tenant, "m") { KeyName = key };
        return (await Silo.Grains.GetGrain<IRouteGrain>(Tenant).Explain(question)).Checks.Single(check => check.Kind == RouteCheckKind.Budgets).Refusal is null;
    }

    private IBudgetGrain Budget => Silo.Grains.GetGrain<IBudgetGrain>(GrainKeys.Budget(Tenant, null));

    private Task AddCredit(int credits) => Budget.AddCredit(new CreditPayment("payment", credits * Amounts.UnitsPerCredit, Silo.Time.GetUtcNow()));

    private Task Apply(LimitsDefinition? tenant, LimitsDefinition? key = null, bool prepaid = false) =>
        Apply(tenant, key, prepaid, new PriceDefinition { Request = 1 }, "m");

    private Task Apply(LimitsDefinition tenant, PriceDefinition? price) => Apply(tenant, null, false, price, "m");

    private Task Apply(LimitsDefinition tenant, string model) => Apply(tenant, null, false, new PriceDefinition { Request = 1 }, model);

    private Task Apply(LimitsDefinition? tenant, LimitsDefinition? key, bool prepaid, PriceDefinition? price, string model)
    {
        var fleet = SmallFleet();
        return Catalog.Import(fleet with
        {
            Version = $"changed {++_versions}",
            Tenants = [new TenantDefinition { Id = Tenant, Limits = tenant, Prepaid = prepaid, Keys = [new("key", "hash", false) { Limits = key }] }],
            Models = [fleet.Models[0] with { Id = model, Price = price }],
        });
    }

    private Task<TurnStart> Start(TurnRequest request)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, Silo.Feeds.Open(new RecordingSubscriber()).Address);
        return Silo.Grains.GetGrain<IConversationGrain>(key).Start(request, subscription, TestContext.Current.CancellationToken);
    }
}
