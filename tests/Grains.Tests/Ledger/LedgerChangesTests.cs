using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>
/// As <see cref="LedgerPropertyTests"/>, while limits, prices and prepaid credit change, days and months end, and the clock is wrong for a while. A budget
/// counts the turns that were reserved while it was declared, prepaid credit those that were reserved while it was switched on, in whichever order.
/// </summary>
public sealed class LedgerChangesTests
{
    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(150);

    [Fact]
    public void ChangesBetweenTurns() => Check(faults: 0, crashes: 0, atRest: true, clock: false);

    [Fact]
    public void ChangesBetweenTurns_AndAClockThatJumps() => Check(faults: 0, crashes: 0, atRest: true, clock: true);

    [Fact]
    public void ChangesBetweenTurns_WithFaultsAndCrashes() => Check(faults: 3, crashes: 4, atRest: true, clock: true);

    [Fact]
    public void ChangesDuringTurns() => Check(faults: 0, crashes: 0, atRest: false, clock: true);

    [Fact]
    public void ChangesDuringTurns_WithFaultsAndCrashes() => Check(faults: 3, crashes: 4, atRest: false, clock: true);

    private static void Check(int faults, int crashes, bool atRest, bool clock) =>
        Prop.ForAll<int>(seed => new Scenario(seed, faults, crashes, atRest, clock).Run()).Check(Runs);

    private sealed class Scenario(int seed, int faults, int crashes, bool atRest, bool clock)
    {
        private const int Shards = 3;
        private const int Budget = 40;

        private static readonly DateTimeOffset LastOfMonth = new(2026, 11, 30, 23, 59, 30, TimeSpan.Zero);

        private static readonly DateTimeOffset[] Times =
            [LastOfMonth, LastOfMonth.AddMinutes(1), LastOfMonth.AddDays(2), LastOfMonth.AddDays(40), LastOfMonth.AddDays(400)];

        private readonly LedgerWorld _world = new(seed, new LimitsDefinition(), key: null, Shards) { Faults = faults };
        private readonly Dictionary<long, Known> _turns = [];
        private long _rows;
        private long _credit;
        private int _payments;
        private int _changes;
        private string? _violation;

        private IEnumerable<(Known Turn, TurnCharge Charge)> Turns => _world.Store.Rows.Select(row => (_turns[row.Key], row.Value.Charge));

        public void Run()
        {
            SetClock(LastOfMonth);
            for (var step = 0; step < 500; step++)
            {
                if (_world.Chance(3)) Change();
                else if (!_world.IsBusy || _world.Chance(10)) _world.Run(() => _ = RunTurn(_world.Next(Shards), _world.Chance(50) ? LedgerWorld.Key : null));
                else if (_world.Chance(crashes)) _world.Crash(_world.Next(Shards));
                else if (_world.Chance(crashes)) _world.CrashBudget(_world.Chance(50) ? LedgerWorld.Key : null);
                else if (_world.Chance(2)) _world.Run(() => _world.Time.Advance(TimeSpan.FromSeconds(2.5)));
                else _world.Step();
                if (_violation is not null) Assert.Fail(_violation);
            }
            _world.Faults = 0;
            _world.Settle();
            VerifyRest();
            if (_violation is not null) Assert.Fail(_violation);
        }

        private static LimitsDefinition? Limits(params BudgetDefinition?[] budgets) =>
            budgets is [null, null] ? null : new LimitsDefinition { Daily = budgets[0], Monthly = budgets[1] };

        private void Change()
        {
            if (atRest) _world.Settle();
            var kind = _world.Next(clock ? 5 : 4);
            if (kind < 3) _changes++;
            if (kind == 0) _world.Fleet.Tenant = _world.Fleet.Tenant with { Prepaid = !_world.Fleet.Tenant.Prepaid };
            else if (kind == 1) _world.Fleet.Tenant = _world.Fleet.Tenant with { Limits = Limits(RandomBudget(), RandomBudget()) };
            else if (kind == 2) _world.Fleet.KeyLimits = Limits(RandomBudget(), RandomBudget());
            else if (kind == 3) AddCredit(1 + _world.Next(20));
            else SetClock(Times[_world.Next(Times.Length)]);
            if (atRest) _world.Settle();
        }

        private BudgetDefinition? RandomBudget() => _world.Next(4) switch
        {
            0 => new BudgetDefinition { Requests = _world.Next(20) },
            1 => new BudgetDefinition { Tokens = _world.Next(500) },
            2 => new BudgetDefinition { Requests = _world.Next(30), Credits = _world.Next(20) / (decimal)Amounts.UnitsPerCredit },
            _ => null,
        };

        private void AddCredit(int units)
        {
            // Retried until it is added: its answer may be lost.
            var id = $"{++_payments}";
            _credit += units;
            _world.Run(() => _ = Add());

            async Task Add()
            {
                while (true)
                {
                    try
                    {
                        await _world.AddCredit(id, units);
                        return;
                    }
                    catch (ClusterException)
                    {
                    }
                }
            }
        }

        private void SetClock(DateTimeOffset time) => _world.Run(() => _world.Time.Advance(time - _world.Time.GetUtcNow()));

        private async Task RunTurn(int shard, string? key)
        {
            // The last number is the price.
            var (id, amounts) = (++_rows, new Amounts(1, 1 + _world.Next(60), _world.Next(4)));
            try
            {
                if (await Store(shard, id, key, amounts) is not { } charge) return;
                var share = _world.Next(3);
                var charged = share == 0 ? default : charge.Amounts with { Tokens = charge.Amounts.Tokens / share, Credits = charge.Amounts.Credits / share };
                await _world.Store.End(id, charged, ChargeState.Settled);
                await _world.SettleTurn(shard, id, charged);
            }
            catch (ClusterException)
            {
                // The node of the turn, or a message, was lost.
            }
        }

        private async Task<TurnCharge?> Store(int shard, long id, string? key, Amounts amounts)
        {
            var lost = 0L;
            while (true)
            {
                var before = _changes;
                var result = await _world.Reserve(shard, new Reservation(id, key, amounts) { LostEpoch = lost });
                if (result.Charge is not { } charge) return null;
                _turns[id] = Describe(key, isSure: _changes == before);
                if (_turns[id].IsSure) VerifyLimits(id, charge);
                if (_world.Faults > 0 && _world.Chance(crashes)) return null;
                try
                {
                    await _world.Store.Insert(id, key, charge);
                    return charge;
                }
                catch (EpochClosedException)
                {
                    lost = charge.Epoch;
                }
            }
        }

        private Known Describe(string? key, bool isSure)
        {
            var limits = LimitsOf(key, day: 0);
            return new Known(
                BudgetRules.ScopeOf(null, limits), key is not null && BudgetRules.ScopeOf(key, limits) == BudgetScope.Periods ? key : null, isSure);
        }

        private IReadOnlyList<BudgetLimit> LimitsOf(string? key, int day) => BudgetRules.LimitsOf(_world.Fleet, LedgerWorld.Tenant, key, day);

        /// <summary>While limits do not change, what is admitted fits into them, with everything that was admitted before.</summary>
        private void VerifyLimits(long id, TurnCharge admitted)
        {
            foreach (var limit in LimitsOf(_turns[id].Key, admitted.Day))
            {
                var most = limit.Slot.Period == BudgetPeriod.Ever ? limit.Limit with { Credits = _credit } : limit.Limit;
                var before = Turns.Where(turn => turn.Turn.IsSure && turn.Turn.CountsIn(limit.Slot, turn.Charge.Day))
                    .Aggregate(default(Amounts), (sum, turn) => sum + turn.Charge.Amounts);
                if (!BudgetRules.Fits(admitted.Amounts, most - before, most))
                    _violation ??= $"{before} and {admitted} exceed {most} of {limit.Slot}\n{_world.Trace}";
            }
        }

        /// <summary>At the end, what was counted is what the rows say, and everything that is left can be used.</summary>
        private void VerifyRest()
        {
            // Reservations of turns that were never stored are found by their age, also if their time is in the future.
            SetClock(LastOfMonth.AddMinutes(-10));
            _world.Fleet.Tenant = _world.Fleet.Tenant with { Limits = Limits(new BudgetDefinition { Requests = Budget }, null) };
            _world.Fleet.KeyLimits = null;
            var day = TurnCharge.DayOf(_world.Time.GetUtcNow());
            if (Turns.Any(turn => !turn.Turn.IsSure)) return;

            var today = Sum(new BudgetSlot(null, BudgetPeriod.Day, day));
            var ever = Sum(new BudgetSlot(null, BudgetPeriod.Ever, 0));
            var expected = Math.Max(0, _world.Fleet.Tenant.Prepaid ? Math.Min(Budget - today.Requests, _credit - ever.Credits) : Budget - today.Requests);
            for (var i = 0; i < expected; i++) Assert.True(IsAdmitted(new Amounts(1, 0, 1)), $"{i} of {expected} were admitted.\n{_world.Trace}");
            Assert.False(IsAdmitted(new Amounts(1, 0, 1)), $"More than {expected} were admitted.\n{_world.Trace}");
            BudgetStatus? status = null;
            _world.Run(() => _ = Read());
            _world.Settle();
            Assert.NotNull(status);
            List<PeriodAmounts> lines = [.. status.Settled, .. status.Reserved];
            foreach (var period in (BudgetSlot[])[new(null, BudgetPeriod.Day, day), new(null, BudgetPeriod.Ever, 0)])
            {
                var said = lines.Where(line => line.Period == period.Period && line.Index == period.Index)
                    .Aggregate(default(Amounts), (sum, line) => sum + line.Amounts);
                Assert.True(said == Sum(period), $"{period}: {said}, but {Sum(period)}\n{_world.Trace}");
            }

            async Task Read() => status = await _world.StatusOf(null);
        }

        private Amounts Sum(BudgetSlot slot) => Turns.Where(turn => turn.Turn.CountsIn(slot, turn.Charge.Day))
            .Aggregate(default(Amounts), (sum, turn) => sum + turn.Charge.Amounts);

        private bool IsAdmitted(Amounts amounts)
        {
            var isAdmitted = false;
            _world.Run(() => _ = Run());
            _world.Settle();
            return isAdmitted;

            async Task Run()
            {
                var (id, shard) = (++_rows, _world.Next(Shards));
                if (await StoreAgain(shard, id) is not { } charge) return;
                isAdmitted = true;
                await _world.Store.End(id, charge.Amounts, ChargeState.Settled);
                await _world.SettleTurn(shard, id, charge.Amounts);
            }

            // A budget that crashed may have saved since the next one was loaded. That one fails once.
            async Task<TurnCharge?> StoreAgain(int shard, long id)
            {
                for (var attempt = 1; ; attempt++)
                {
                    try
                    {
                        return await Store(shard, id, key: null, amounts);
                    }
                    catch (ClusterException) when (attempt < 3)
                    {
                    }
                }
            }
        }
    }

    /// <summary>Which budgets count a turn.</summary>
    /// <param name="Tenant">What the budget of the tenant counts.</param>
    /// <param name="Key">The key, if its budget counts the turn; otherwise null.</param>
    /// <param name="IsSure">Whether nothing has changed while it was reserved.</param>
    private sealed record Known(BudgetScope Tenant, string? Key, bool IsSure)
    {
        public bool CountsIn(BudgetSlot slot, int day) => slot.Period switch
        {
            BudgetPeriod.Ever => Tenant == BudgetScope.Prepaid,
            BudgetPeriod.Day => slot.Index == day && IsCountedBy(slot.KeyName),
            _ => slot.Index == TurnCharge.MonthOf(day) && IsCountedBy(slot.KeyName),
        };

        private bool IsCountedBy(string? key) => key is null ? Tenant != BudgetScope.Nothing : Key == key;
    }
}
