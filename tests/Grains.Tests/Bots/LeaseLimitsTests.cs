using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Bots;

/// <summary>The limits of a bot or an account.</summary>
public sealed class LeaseLimitsTests
{
    private static readonly Amounts OneTurn = new(1, 100, 5);

    private readonly ManualTime _time = new();
    private List<PeriodAmounts> _stored = [];
    private List<PeriodAmounts> _claimed = [];
    private LeaseLimits _limits;
    private int _saves;
    private int _turns;

    public LeaseLimitsTests() => _limits = Activate();

    [Fact]
    public void Check_AtALimitPerMinute_SaysWhenATurnFits()
    {
        var limits = new LimitsDefinition { RequestsPerMinute = 2, TokensPerMinute = 1_000 };
        Reserve(limits);
        _time.Advance(TimeSpan.FromSeconds(10));
        Reserve(limits);

        var error = _limits.Check(OneTurn, limits)!;
        Assert.Equal(ErrorCode.UpstreamRateLimited, error.Code);
        Assert.Equal(TimeSpan.FromSeconds(51), error.Until - _time.GetUtcNow());
        Assert.NotNull(_limits.Check(new Amounts(1, 801, 0), limits with { RequestsPerMinute = null }));
        Assert.Null(_limits.Check(new Amounts(1, 800, 0), limits with { RequestsPerMinute = null }));
    }

    [Fact]
    public void Check_AtABudget_SaysWhenItStartsAgain()
    {
        var (day, month) = (new LimitsDefinition { Daily = new() { Requests = 0 } }, new LimitsDefinition { Monthly = new() { Tokens = 99 } });

        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), _limits.Check(OneTurn, day)!.Until);
        Assert.Equal(new DateTimeOffset(2026, 2, 1, 0, 0, 0, TimeSpan.Zero), _limits.Check(OneTurn, month)!.Until);
        Assert.Null(_limits.Check(OneTurn, new LimitsDefinition { Daily = new() { Credits = 0.000005m } }));
    }

    [Fact]
    public void Release_GivesEverythingBack_AndSettleWhatIsNotUsed()
    {
        var limits = new LimitsDefinition { RequestsPerMinute = 1, TokensPerMinute = 100, Daily = new() { Requests = 1, Tokens = 100 } };
        _limits.Release(Reserve(limits));
        _limits.Settle(Reserve(limits), new Amounts(1, 40, 0));
        Assert.NotNull(_limits.Check(new Amounts(1, 1, 0), limits));
        var tokens = limits with { RequestsPerMinute = null, Daily = new() { Tokens = 100 } };
        Assert.Null(_limits.Check(new Amounts(1, 60, 0), tokens));
        Assert.NotNull(_limits.Check(new Amounts(1, 61, 0), tokens));
    }

    [Fact]
    public void Settle_AfterMidnight_ChangesTheDayOfTheTurnOnly()
    {
        var limits = new LimitsDefinition { Daily = new() { Requests = 1 } };
        var late = Reserve(limits);
        _time.Advance(TimeSpan.FromDays(1));
        Reserve(limits);
        _limits.Settle(late, default(Amounts));

        Assert.NotNull(_limits.Check(OneTurn, limits));
    }

    [Fact]
    public void Check_AfterTheClockWasSetBack_CountsTheLatestDay()
    {
        var limits = new LimitsDefinition { Daily = new() { Requests = 1 } };
        _time.Advance(TimeSpan.FromDays(1));
        Reserve(limits);
        var before = new ManualTime(_time.GetUtcNow() - TimeSpan.FromSeconds(1));

        Assert.NotNull(new LeaseLimits([.. _stored], () => Task.CompletedTask, before, "bot").Check(OneTurn, limits));
    }

    [Fact]
    public void Reserve_OfALargeBudget_SavesRarely_AndNearTheLimitEachTurn()
    {
        var limits = new LimitsDefinition { Daily = new() { Requests = 10_000 } };
        for (var i = 0; i < 9_000; i++) Reserve(limits);
        Assert.InRange(_saves, 1, 40);
        var before = _saves;
        for (var i = 0; i < 985; i++) Reserve(limits);
        before = _saves;
        while (_limits.Check(OneTurn, limits) is null) Reserve(limits);

        Assert.Equal(10_000, _turns);
        Assert.Equal(15, _saves - before);
    }

    [Fact]
    public void GiveBack_BeforeTheGrainDeactivates_LosesNothing()
    {
        var limits = new LimitsDefinition { Monthly = new() { Requests = 100 } };
        for (var activation = 0; activation < 50; activation++)
        {
            _limits.Settle(Reserve(limits), OneTurn);
            _limits.Settle(Reserve(limits), OneTurn);
            if (_limits.GiveBack()) _stored = [.. _claimed];
            _limits = Activate();
        }

        Assert.NotNull(_limits.Check(OneTurn, limits));
    }

    [Fact]
    public async Task Reserve_WhoseSaveFails_IsSavedByTheNextOne()
    {
        var limits = new LimitsDefinition { Daily = new() { Requests = 10_000 } };
        var fails = true;
        _limits = new LeaseLimits(_claimed, () =>
        {
            _saves++;
            return fails ? Task.FromException(new ClusterException(ErrorCode.Internal, "No.")) : Task.CompletedTask;
        }, _time, "bot");
        await Assert.ThrowsAsync<ClusterException>(() => _limits.Reserve("1", OneTurn, limits));
        _limits.Release("1");
        fails = false;

        await _limits.Reserve("2", OneTurn, limits);
        await _limits.Reserve("3", OneTurn, limits);
        Assert.Equal(2, _saves);
    }

    /// <summary>Turns begin and end, and the node fails, in random order. Whatever was lost, no budget is ever exceeded.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Budgets_InAnyOrderOfTurnsAndCrashes_AreNeverExceeded(int seed)
    {
        var random = new Random(seed);
        for (var run = 0; run < 100; run++)
        {
            (_stored, _limits) = ([], null!);
            _limits = Activate();
            var limits = new LimitsDefinition
            {
                Daily = new() { Requests = random.Next(1, 60), Tokens = random.Next(1, 6_000) },
                Monthly = random.Next(2) == 0 ? new() { Credits = random.Next(1, 300) / 1_000_000m } : null,
            };
            // What turns have really used, by day, and in the month.
            var (days, month, running) = (new Dictionary<int, Amounts>(), default(Amounts), new Dictionary<string, (int Day, Amounts May)>());
            for (var step = 0; step < 300; step++)
            {
                var needed = new Amounts(1, random.Next(1, 200), random.Next(1, 20));
                if (random.Next(4) > 0 && _limits.Check(needed, limits) is null)
                {
                    running[Reserve(limits, needed)] = (TurnCharge.DayOf(_time.GetUtcNow()), needed);
                }
                else if (running.Count > 0 && random.Next(3) > 0)
                {
                    var (lease, (day, may)) = running.ElementAt(random.Next(running.Count));
                    running.Remove(lease);
                    var used = random.Next(3) switch
                    {
                        0 => new Amounts(1, 0, 0),
                        1 => may,
                        _ => new Amounts(1, random.Next((int)may.Tokens), random.Next((int)may.Credits)),
                    };
                    if (random.Next(8) > 0) _limits.Settle(lease, used);
                    days[day] = days.GetValueOrDefault(day) + used;
                    month += used;
                }
                else if (random.Next(10) == 0)
                {
                    _limits = Activate();
                }
                else if (random.Next(40) == 0 && _time.GetUtcNow().Day < 28)
                {
                    _time.Advance(TimeSpan.FromHours(9));
                }
                var sum = month + running.Values.Aggregate(default(Amounts), (all, turn) => all + turn.May);
                foreach (var day in days.Keys.Concat(running.Values.Select(turn => turn.Day)).Distinct())
                {
                    var ofDay = days.GetValueOrDefault(day)
                        + running.Values.Where(turn => turn.Day == day).Aggregate(default(Amounts), (all, turn) => all + turn.May);
                    Assert.True(ofDay.Requests <= limits.Daily.Requests && ofDay.Tokens <= limits.Daily.Tokens);
                }
                Assert.True(limits.Monthly is null || sum.Credits <= limits.Monthly.Credits * Amounts.UnitsPerCredit);
            }
            while (_time.GetUtcNow().Day != 1) _time.Advance(TimeSpan.FromDays(1));
        }
    }

    private LeaseLimits Activate()
    {
        var claimed = _claimed = [.. _stored];
        return new LeaseLimits(claimed, () =>
        {
            _saves++;
            _stored = [.. claimed];
            return Task.CompletedTask;
        }, _time, "bot");
    }

    private string Reserve(LimitsDefinition limits, Amounts? needed = null)
    {
        var lease = $"{++_turns}";
        Assert.True(_limits.Reserve(lease, needed ?? OneTurn, limits).IsCompletedSuccessfully);
        return lease;
    }
}
