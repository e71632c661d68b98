using CozeCluster.Grains.Testing;
using CozeCluster.Grains.Tests.Fakes;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>What turns of a tenant with a budget are charged.</summary>
public sealed class LedgerTests : GrainTest
{
    private const long Input = 1;
    private const long Reserved = Input + TurnEstimate.DefaultOutput;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Turn_IsReservedBeforeItIsSent_AndSettledWhenItEnds(bool canReattach)
    {
        Upstream.CanReattach = canReattach;
        await Limit(new BudgetDefinition { Requests = 100 }, new PriceDefinition { Input = 10, Output = 100, Request = 0.5m });
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();

        Assert.Equal(
            ((long)ChargeState.Reserved, 1L, Reserved, Input * 10 + TurnEstimate.DefaultOutput * 100 + 500_000L), ChargeOf(turn.Id));

        exchange.Identify().Say("Hello").Complete();
        await turn.Subscriber.UntilEnd();
        Assert.Equal(((long)ChargeState.Settled, 1L, 7L, 3 * 10 + 4 * 100 + 500_000L), ChargeOf(turn.Id));
    }

    [Fact]
    public async Task TurnOfATenantWithoutABudget_IsNotCharged()
    {
        await Limit(null);
        var turn = await Complete(Request(), "Hello");

        Assert.Null(Silo.Query("SELECT epoch FROM turns WHERE turn_id = $0", turn.Id));
    }

    [Fact]
    public async Task FailedTurn_IsChargedNothing()
    {
        await Limit(new BudgetDefinition { Requests = 100 });
        var turn = await Begin(Request());
        (await Upstream.NextOpened()).Identify().Say("Hello").Fail(ErrorCode.ContentFiltered);
        await turn.Subscriber.UntilEnd();

        Assert.Equal(((long)ChargeState.Settled, 0L, 0L, 0L), ChargeOf(turn.Id));
    }

    [Theory]
    [InlineData("", 0, 0)]
    [InlineData("Hello, 你好", 1, 8)]
    public async Task CancelledTurn_IsChargedWhatWasProduced(string produced, long requests, long tokens)
    {
        await Limit(new BudgetDefinition { Requests = 100 });
        var turn = await Begin(Request());
        var exchange = (await Upstream.NextOpened()).Identify();
        if (produced.Length > 0)
        {
            exchange.Say(produced);
            await turn.Subscriber.UntilText(produced);
        }

        await turn.Grain.Cancel(Tenant, turn.Id);

        await turn.Subscriber.UntilEnd();
        Assert.Equal(((long)ChargeState.Settled, requests, tokens, 0L), ChargeOf(turn.Id));
    }

    [Fact]
    public async Task TurnOfUnknownOutcome_StaysReserved_ThenIsFree()
    {
        await Limit(new BudgetDefinition { Requests = 1 }, period: BudgetPeriod.Month);
        Upstream.Hold = new TaskCompletionSource();
        var turn = await Begin(Request());
        await PassUntil(() => ChargeOf(turn.Id).State == (long)ChargeState.Reserved);
        await Crash();
        await Limit(new BudgetDefinition { Requests = 1 }, period: BudgetPeriod.Month);
        await PassUntil(() => ChargeOf(turn.Id).State == (long)ChargeState.Unknown);

        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);
        Assert.Equal(1, Single((await Status()).Unknown).Requests);

        Silo.Time.Advance(TurnCharge.UnknownHold + TimeSpan.FromSeconds(1));
        Assert.Null((await Start(Request())).Refusal);
        Assert.Empty((await Status()).Unknown);
    }

    [Fact]
    public async Task ManyTurnsAtOnce_ExactlyAsManyAsTheBudgetHas()
    {
        await Limit(new BudgetDefinition { Requests = 20 });

        var starts = await Task.WhenAll(Enumerable.Range(0, 60).Select(_ => Start(Request())));

        Assert.Equal(20, starts.Count(start => start.Refusal is null));
        Assert.All(starts.Where(start => start.Refusal is not null), start => Assert.Equal(ErrorCode.QuotaExceeded, start.Refusal!.Code));
    }

    [Fact]
    public async Task ShardsThatAreLost_LoseNothing()
    {
        await Limit(new BudgetDefinition { Requests = 20 });
        for (var i = 0; i < 10; i++) await Complete(Request(), "Hello");
        for (var i = 0; i < TurnLedger.Shards; i++)
            await TestSilo.DeactivateAsync(Silo.Grains.GetGrain<ILedgerShardGrain>(GrainKeys.LedgerShard(Tenant, i)));

        var starts = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => Start(Request())));

        Assert.Equal(10, starts.Count(start => start.Refusal is null));
    }

    [Fact]
    public async Task TurnThatFailed_CanBeUsedAgain()
    {
        await Limit(new BudgetDefinition { Requests = 1 });
        var turn = await Begin(Request());
        var exchange = await Upstream.NextOpened();
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);

        exchange.Fail(ErrorCode.ContentFiltered);
        await turn.Subscriber.UntilEnd();
        // The deactivation completes after the call that settles the turn at its shard.
        await TestSilo.DeactivateAsync(turn.Grain);
        await turn.Grain.GetTurn(Tenant, turn.Id);

        Assert.Null((await Start(Request())).Refusal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task EpochThatIsClosedBeforeTheRowIsStored_ReservesAgain(bool hasBudget)
    {
        await Limit(new BudgetDefinition { Requests = 1 });
        Hooks.BeforeCommit = async () =>
        {
            Hooks.BeforeCommit = () => Task.CompletedTask;
            // The budget takes the shard for dead. Another conversation then gets what it had.
            await CloseEpochs();
            if (!hasBudget) await Limit(new BudgetDefinition { Requests = 0 }, version: "none");
        };
        var turn = await Begin(Request());

        if (hasBudget)
        {
            (await Upstream.NextOpened()).Identify().Say("Hello").Complete();
            Assert.IsType<ReplyCompleted>(await turn.Subscriber.UntilEnd());
            Assert.Equal(1, ChargeOf(turn.Id).Requests);
        }
        else
        {
            Assert.Equal(ErrorCode.QuotaExceeded, Assert.IsType<ReplyFailed>(await turn.Subscriber.UntilEnd()).Error.Code);
            Assert.Equal(0, Upstream.OpenedCount);
        }
    }

    [Fact]
    public async Task LoweredAndRaisedBudget_TakesEffect()
    {
        await Limit(new BudgetDefinition { Requests = 100 });
        for (var i = 0; i < 3; i++) await Complete(Request(), "Hello");

        await Limit(new BudgetDefinition { Requests = 3 }, version: "lowered");
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);

        await Limit(new BudgetDefinition { Requests = 4 }, version: "raised");
        Assert.Null((await Start(Request())).Refusal);
        Assert.NotNull((await Start(Request())).Refusal);
    }

    [Fact]
    public async Task NextDay_HasABudgetOfItsOwn()
    {
        await Limit(new BudgetDefinition { Requests = 1 });
        await Complete(Request(), "Hello");
        Assert.NotNull((await Start(Request())).Refusal);

        Silo.Time.Advance(TimeSpan.FromDays(1));

        Assert.Null((await Start(Request())).Refusal);
    }

    [Fact]
    public async Task BudgetOfAKey_LimitsThatKeyOnly()
    {
        await Limit(new BudgetDefinition { Requests = 3 }, key: new BudgetDefinition { Requests = 1 });

        Assert.Null((await Start(Request() with { KeyName = "key" })).Refusal);
        Assert.Contains("this API key", (await Start(Request() with { KeyName = "key" })).Refusal!.Message, StringComparison.Ordinal);
        Assert.Null((await Start(Request() with { KeyName = "other" })).Refusal);
        Assert.Null((await Start(Request())).Refusal);
        Assert.Contains("this tenant", (await Start(Request())).Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrepaidCredit_IsUsedUp_AndAddedOnce()
    {
        await Catalog.Import(Fleet(new TenantDefinition { Id = Tenant, Prepaid = true }, new PriceDefinition { Request = 1 }, "prepaid"));
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);
        var budget = Silo.Grains.GetGrain<IBudgetGrain>(GrainKeys.Budget(Tenant, null));

        var payment = new CreditPayment("payment", 2 * Amounts.UnitsPerCredit, Silo.Time.GetUtcNow());
        Assert.Equal(2 * Amounts.UnitsPerCredit, (await budget.AddCredit(payment)).Credit);
        Assert.Equal(2 * Amounts.UnitsPerCredit, (await budget.AddCredit(payment)).Credit);
        var other = await Assert.ThrowsAsync<ClusterException>(() => budget.AddCredit(payment with { Units = 1 }));
        Assert.Equal(ErrorCode.IdempotencyMismatch, other.Code);
        Assert.Equal([payment], (await budget.GetCredit()).Payments);

        await Complete(Request(), "Hello");
        Silo.Time.Advance(TimeSpan.FromDays(40));
        Assert.Null((await Start(Request())).Refusal);
        Assert.Equal(ErrorCode.QuotaExceeded, (await Start(Request())).Refusal?.Code);
    }

    [Fact]
    public async Task Status_SaysWhatIsSettledAndReserved()
    {
        await Limit(new BudgetDefinition { Requests = 10 });
        await Complete(Request(), "Hello");
        await Begin(Request());
        await Upstream.NextOpened();

        var status = await Status();

        Assert.Equal(new Amounts(1, 7, 0), Single(status.Settled));
        Assert.Equal(new Amounts(1, Reserved, 0), Single(status.Reserved));
        Assert.Empty(status.Unknown);
    }

    private static Amounts Single(IReadOnlyList<PeriodAmounts> lines) => Assert.Single(lines, line => line.Period == BudgetPeriod.Month).Amounts;

    private static Fleet Fleet(TenantDefinition tenant, PriceDefinition? price, string version)
    {
        var fleet = SmallFleet();
        return fleet with { Version = version, Tenants = [tenant], Models = [.. fleet.Models.Select(model => model with { Price = price })] };
    }

    private Task<BudgetStatus> Status() => Silo.Grains.GetGrain<IBudgetGrain>(GrainKeys.Budget(Tenant, null)).GetStatus(Tenant, null);

    private async Task CloseEpochs()
    {
        var store = Silo.Services.GetRequiredService<ILedgerStore>();
        for (var i = 0; i < TurnLedger.Shards; i++)
        {
            if (Silo.Query("SELECT epoch FROM ledger_epochs WHERE tenant = $0 AND shard = $1", Tenant, i) is long epoch) await store.CloseEpoch(epoch);
        }
    }

    private async Task Limit(
        BudgetDefinition? tenant, PriceDefinition? price = null, BudgetPeriod period = BudgetPeriod.Day, BudgetDefinition? key = null,
        string version = "limited")
    {
        var limits = tenant is null ? null
            : period == BudgetPeriod.Month ? new LimitsDefinition { Monthly = tenant } : new LimitsDefinition { Daily = tenant };
        await Catalog.Import(Fleet(
            new TenantDefinition
            {
                Id = Tenant,
                Limits = limits,
                Keys = [new("key", "hash", false) { Limits = key is null ? null : new LimitsDefinition { Daily = key } }],
            },
            price,
            version));
    }

    private Task<TurnStart> Start(TurnRequest request)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, Silo.Feeds.Open(new RecordingSubscriber()).Address);
        return Silo.Grains.GetGrain<IConversationGrain>(key).Start(request, subscription, TestContext.Current.CancellationToken);
    }
}
