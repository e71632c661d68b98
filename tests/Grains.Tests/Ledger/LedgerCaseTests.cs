using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>Single cases of shards and budgets whose steps the test orders.</summary>
public sealed class LedgerCaseTests
{
    private const int Shards = 4;

    private long _rows;

    /// <summary>A clock that is wrong and then set right does not begin a day again.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(400)]
    [InlineData(-3)]
    public void ClockThatIsSetRight_DoesNotBeginADayAgain(int days)
    {
        var world = new LedgerWorld(1, new LimitsDefinition { Daily = new BudgetDefinition { Requests = 10 } }, key: null, shards: 1);
        world.Time.Advance(TimeSpan.FromHours(6));
        for (var i = 0; i < 6; i++) Assert.True(IsAdmitted(world));
        // The epoch ends by its age, and the next claim adds it up.
        world.Run(() => world.Time.Advance(TimeSpan.FromHours(2)));
        Assert.True(IsAdmitted(world));

        world.Run(() => world.Time.Advance(TimeSpan.FromDays(days)));
        Assert.True(IsAdmitted(world));
        world.Run(() => world.Time.Advance(-TimeSpan.FromDays(days)));

        var left = days == 0 ? 2 : 3;
        for (var i = 0; i < left; i++) Assert.True(IsAdmitted(world));
        Assert.False(IsAdmitted(world));
    }

    /// <summary>Reservations that were lost with their nodes are found again, although the clock was set back since.</summary>
    [Fact]
    public void LostReservation_AndAClockThatIsSetBack_IsFreeAgain()
    {
        var world = new LedgerWorld(1, new LimitsDefinition { Monthly = new BudgetDefinition { Requests = 1 } }, key: null, shards: 1);
        world.Time.Advance(TimeSpan.FromDays(3));
        world.Run(() => _ = world.Reserve(0, new Reservation(++_rows, null, new Amounts(1, 0, 0))));
        world.Settle();
        Assert.False(IsAdmitted(world));

        world.Run(() => world.Time.Advance(-TimeSpan.FromDays(1)));

        Assert.True(IsAdmitted(world));
    }

    /// <summary>Rows are deleted when they are old and their epoch is closed. What they say is known before.</summary>
    [Fact]
    public void RowsThatAreDeletedAsSoonAsTheirEpochIsClosed_StayCounted() => Prop.ForAll<int>(seed =>
    {
        var world = new LedgerWorld(seed, new LimitsDefinition { Monthly = new BudgetDefinition { Requests = 12 } }, key: null, Shards);
        for (var i = 0; i < 7; i++) Assert.True(IsAdmitted(world), world.Trace);

        var more = 0;
        for (var i = 0; i < 10; i++)
        {
            for (var shard = 0; shard < Shards; shard++) world.Crash(shard);
            world.Run(() => world.Time.Advance(TimeSpan.FromMinutes(5)));
            if (IsAdmitted(world, world.Store.DeleteOld)) more++;
        }

        Assert.True(more == 5, $"{more}\n{world.Trace}");
    }).QuickCheckThrowOnFailure();

    /// <summary>
    /// Recalls overtake the grants before them. A shard that gave a grant back before it had served its turns would never serve them, as long as others claim.
    /// </summary>
    [Fact]
    public void RecallsThatOvertakeGrants_StopNoTurn() => Prop.ForAll<int>(seed =>
    {
        const int budget = 20;
        var world = new LedgerWorld(seed, new LimitsDefinition { Daily = new BudgetDefinition { Requests = budget } }, key: null, Shards)
        {
            Slow = "answer of claim",
        };
        var results = new List<Task<ReservationResult>>();
        world.Run(() =>
        {
            for (var i = 0; i < 60; i++) results.Add(world.Reserve(i % Shards, new Reservation(i + 1, null, new Amounts(1, 1, 0))));
        });

        world.Settle();

        Assert.All(results, result => Assert.True(result.IsCompletedSuccessfully, $"{result.Exception}"));
        Assert.Equal(budget, results.Count(result => result.Result.Charge is not null));
    }).QuickCheckThrowOnFailure();

    /// <summary>Blocks shrink with what is left, so a budget saves rarely: here once for every twelve turns until it is used up.</summary>
    [Fact]
    public void BudgetThatIsUsedUp_SavesRarely()
    {
        const int budget = 5_000;
        var world = new LedgerWorld(1, new LimitsDefinition { Daily = new BudgetDefinition { Requests = budget } }, key: null, Shards);

        for (var i = 0; i < budget; i++) Assert.True(IsAdmitted(world));

        Assert.False(IsAdmitted(world));
        Assert.InRange(world.Saves, 1, budget / 12);
    }

    private bool IsAdmitted(LedgerWorld world, Action? afterEachStep = null)
    {
        var isAdmitted = false;
        world.Run(() => _ = Run());
        for (var steps = 0; world.IsBusy; steps++)
        {
            Assert.True(steps < 10_000, world.Trace);
            world.Step();
            afterEachStep?.Invoke();
        }
        return isAdmitted;

        async Task Run()
        {
            var (id, shard, lost) = (++_rows, (int)(_rows % world.Shards), 0L);
            while (true)
            {
                var result = await world.Reserve(shard, new Reservation(id, null, new Amounts(1, 1, 0)) { LostEpoch = lost });
                if (result.Charge is not { } charge) return;
                try
                {
                    await world.Store.Insert(id, null, charge);
                    isAdmitted = true;
                    await world.Store.End(id, charge.Amounts, ChargeState.Settled);
                    await world.SettleTurn(shard, id, charge.Amounts);
                    return;
                }
                catch (EpochClosedException)
                {
                    lost = charge.Epoch;
                }
            }
        }
    }
}
