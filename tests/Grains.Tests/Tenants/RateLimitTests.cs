using System.Diagnostics.Metrics;
using CozeCluster.Grains.Tests.Fakes;

namespace CozeCluster.Grains.Tests.Tenants;

/// <summary>Limits per minute and of concurrent turns, of a tenant and of its keys.</summary>
public sealed class RateLimitTests : GrainTest
{
    private ITenantGrain Grain => Silo.Grains.GetGrain<ITenantGrain>(Tenant);

    [Fact]
    public async Task Requests_BeyondTheLimit_WaitForTheMinute()
    {
        await Limit(new LimitsDefinition { RequestsPerMinute = 2 });
        Assert.Equal((2, 1), Left((await Grain.AdmitWithin(new TurnTerms("1", null, 5))).Rates!.Requests!));
        Silo.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Null((await Grain.AdmitWithin(new TurnTerms("2", null, 5))).Refusal);

        var refused = await Grain.AdmitWithin(new TurnTerms("3", null, 5));

        Assert.Equal(ErrorCode.RateLimited, refused.Refusal!.Code);
        Assert.Equal(TimeSpan.FromSeconds(51), refused.Refusal.Until - Silo.Time.GetUtcNow());
        Assert.Equal(((2, 0), TimeSpan.FromSeconds(61)), (Left(refused.Rates!.Requests!), refused.Rates.Requests!.Reset));
        Silo.Time.Advance(TimeSpan.FromSeconds(51));
        Assert.Null((await Grain.AdmitWithin(new TurnTerms("3", null, 5))).Refusal);
    }

    [Fact]
    public async Task AdmissionOfTheSameTurn_CountsOnce()
    {
        await Limit(new LimitsDefinition { RequestsPerMinute = 1 });
        await Grain.AdmitWithin(new TurnTerms("1", null, 5));

        Assert.Null((await Grain.AdmitWithin(new TurnTerms("1", null, 5))).Refusal);
    }

    [Fact]
    public async Task Tokens_CountAsEstimated_ThenAsUsed()
    {
        await Limit(new LimitsDefinition { TokensPerMinute = 100 });
        Assert.Equal((100, 30), Left((await Grain.AdmitWithin(new TurnTerms("1", null, 70))).Rates!.Tokens!));
        Assert.Equal(ErrorCode.RateLimited, (await Grain.AdmitWithin(new TurnTerms("2", null, 40))).Refusal!.Code);

        await Grain.Settle("1", new Usage(8, 12, 20));
        await Grain.Settle("1", new Usage(8, 12, 20));

        Assert.Equal((100, 40), Left((await Grain.AdmitWithin(new TurnTerms("2", null, 40))).Rates!.Tokens!));
    }

    [Fact]
    public async Task TurnThatMayUseMoreThanTheLimit_HasTheMinuteForItself()
    {
        await Limit(new LimitsDefinition { TokensPerMinute = 100 });

        Assert.Null((await Grain.AdmitWithin(new TurnTerms("1", null, 1_000))).Refusal);
        Assert.NotNull((await Grain.AdmitWithin(new TurnTerms("2", null, 1))).Refusal);
    }

    [Fact]
    public async Task KeyWithLimits_HasItsOwnAndThoseOfTheTenant()
    {
        await Limit(new LimitsDefinition { RequestsPerMinute = 3 }, new LimitsDefinition { RequestsPerMinute = 1, MaxConcurrentTurns = 5 });
        Assert.Equal((1, 0), Left((await Grain.AdmitWithin(new TurnTerms("1", "limited", 5))).Rates!.Requests!));
        Assert.Contains("This API key", (await Grain.AdmitWithin(new TurnTerms("2", "limited", 5))).Refusal!.Message, StringComparison.Ordinal);

        Assert.Null((await Grain.AdmitWithin(new TurnTerms("3", "free", 5))).Refusal);
        Assert.Equal((3, 0), Left((await Grain.AdmitWithin(new TurnTerms("4", "free", 5))).Rates!.Requests!));
        Assert.Contains("This tenant", (await Grain.AdmitWithin(new TurnTerms("5", "free", 5))).Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConcurrentTurnsOfAKey_AreLimited()
    {
        await Limit(null, new LimitsDefinition { MaxConcurrentTurns = 1 });
        var first = await Grain.AdmitWithin(new TurnTerms("1", "limited", 5));
        Assert.Equal((null, null), (first.Refusal, first.Rates));
        Assert.Equal(ErrorCode.RateLimited, (await Grain.AdmitWithin(new TurnTerms("2", "limited", 5))).Refusal!.Code);

        await Grain.Settle("1", null);

        Assert.Null((await Grain.AdmitWithin(new TurnTerms("2", "limited", 5))).Refusal);
    }

    [Fact]
    public async Task Conversation_ReturnsTheRefusalWithTheRates()
    {
        await Limit(new LimitsDefinition { RequestsPerMinute = 1 });
        Assert.Null((await Start(Request())).Refusal);

        var start = await Start(Request());

        Assert.Equal((ErrorCode.RateLimited, 0), (start.Refusal!.Code, start.Rates!.Requests!.Remaining));
    }

    [Fact]
    public async Task Limit_OfATenantAndItsBudget_AreInTheMetrics()
    {
        var read = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = static (instrument, listener) =>
        {
            if (instrument.Name == "cozecluster.limits.reached") listener.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => read.Add($"{tags[0].Value} {tags[1].Value}"));
        listener.Start();
        await Limit(new LimitsDefinition { RequestsPerMinute = 2, Daily = new BudgetDefinition { Requests = 1 } });

        for (var i = 0; i < 3; i++) await Start(Request());

        listener.RecordObservableInstruments();
        Assert.Contains($"tenant {Tenant}", read);
        Assert.Contains($"budget {Tenant}", read);
    }

    [Fact]
    public async Task Conversation_BudgetIsUsedUp_ReturnsTheRatesToo()
    {
        await Limit(new LimitsDefinition { RequestsPerMinute = 5, Daily = new BudgetDefinition { Requests = 1 } });
        Assert.Null((await Start(Request())).Refusal);

        var start = await Start(Request());

        Assert.Equal((ErrorCode.QuotaExceeded, 3), (start.Refusal!.Code, start.Rates!.Requests!.Remaining));
    }

    private static (long, long) Left(RateLeft left) => (left.Limit, left.Remaining);

    private Task<TurnStart> Start(TurnRequest request)
    {
        Assert.True(TurnId.TryGetConversation(request.TurnId, out var key));
        var subscription = new Subscription(Guid.NewGuid().ToString("n"), Cursor.Start, Silo.Feeds.Open(new RecordingSubscriber()).Address);
        return Silo.Grains.GetGrain<IConversationGrain>(key).Start(request, subscription, TestContext.Current.CancellationToken);
    }

    private async Task Limit(LimitsDefinition? tenant, LimitsDefinition? key = null) => await Catalog.Import(SmallFleet() with
    {
        Version = "limited",
        Tenants = [new TenantDefinition { Id = Tenant, Limits = tenant, Keys = [new("limited", "hash", false) { Limits = key }] }],
    });
}
