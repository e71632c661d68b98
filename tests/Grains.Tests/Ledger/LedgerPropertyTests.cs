using FsCheck;
using FsCheck.Fluent;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>
/// Random interleavings of reservations, ends, cancellations, crashes of shards, budgets and conversations, and lost and repeated messages: budgets are never
/// exceeded, nothing is lost, and what is left can be used to the last unit.
/// </summary>
public sealed class LedgerPropertyTests
{
    private const int Shards = 3;

    private static readonly Config Runs = Config.QuickThrowOnFailure.WithMaxTest(200);

    [Fact]
    public void WithoutFaults() => Check(faults: 0, crashes: 0);

    [Fact]
    public void WithLostAndRepeatedMessages() => Check(faults: 10, crashes: 0);

    [Fact]
    public void WithCrashes() => Check(faults: 3, crashes: 4);

    /// <summary>
    /// While answers to claims are slow, other shards claim too, and each claim takes back what the claim before was granted. A shard that only claimed again
    /// then would fail turns that fit into the budget, or that could be refused.
    /// </summary>
    [Fact]
    public void ShardsThatCompeteForTheLastUnits_ServeOrRefuseEveryTurn() => Prop.ForAll<int>(seed =>
    {
        const int turns = 400;
        const int budget = 20;
        var world = new LedgerWorld(seed, new LimitsDefinition { Daily = new BudgetDefinition { Requests = budget } }, key: null, shards: 4)
        {
            Slow = "answer of claim",
        };
        var results = new List<Task<ReservationResult>>();
        while (results.Count < turns || world.IsBusy)
        {
            if (results.Count < turns && (!world.IsBusy || world.Chance(10)))
                world.Run(() => results.Add(world.Reserve(results.Count % 4, new Reservation(results.Count + 1, null, new Amounts(1, 1, 0)))));
            else world.Step();
        }

        Assert.All(results, result => Assert.True(result.IsCompletedSuccessfully, $"{result.Exception}"));
        Assert.Equal(budget, results.Count(result => result.Result.Charge is not null));
    }).Check(Runs);

    private static void Check(int faults, int crashes) => Prop.ForAll<int>(seed => new Scenario(seed, faults, crashes).Run()).Check(Runs);

    private sealed class Scenario
    {
        private static readonly Amounts TenantLimit = new(30, 1_000, BudgetRules.Unlimited);
        private static readonly Amounts KeyLimit = new(12, BudgetRules.Unlimited, BudgetRules.Unlimited);

        private readonly LedgerWorld _world;
        private readonly int _faults;
        private readonly int _crashes;
        private long _rows;

        public Scenario(int seed, int faults, int crashes)
        {
            _world = new LedgerWorld(
                seed,
                new LimitsDefinition
                {
                    Daily = new BudgetDefinition { Requests = TenantLimit.Requests }, Monthly = new BudgetDefinition { Tokens = TenantLimit.Tokens },
                },
                new LimitsDefinition { Daily = new BudgetDefinition { Requests = KeyLimit.Requests } },
                Shards);
            (_faults, _crashes) = (faults, crashes);
        }

        public void Run()
        {
            _world.Faults = _faults;
            for (var step = 0; step < 400; step++)
            {
                if (!_world.IsBusy || _world.Chance(10)) _world.Run(() => _ = RunTurn(_world.Next(Shards), _world.Chance(50) ? LedgerWorld.Key : null));
                else if (_world.Chance(_crashes)) _world.Crash(_world.Next(Shards));
                else if (_world.Chance(_crashes)) _world.CrashBudget(_world.Chance(50) ? LedgerWorld.Key : null);
                else if (_crashes > 0 && _world.Chance(2)) _world.Run(() => _world.Time.Advance(TimeSpan.FromSeconds(2.5)));
                else _world.Step();
                VerifyLimits();
            }
            _world.Faults = 0;
            _world.Settle();
            VerifyLimits();
            // Reservations of turns that were never stored are found by their age.
            _world.Run(() => _world.Time.Advance(TimeSpan.FromMinutes(2)));
            VerifyThatEverythingLeftCanBeUsed();
            VerifyStatus();
        }

        /// <summary>A turn, which may be cancelled or fail, and whose node may crash at any time.</summary>
        private async Task RunTurn(int shard, string? key)
        {
            var (id, amounts) = (++_rows, new Amounts(1, 1 + _world.Next(120), 0));
            try
            {
                var charge = await Store(shard, id, key, amounts);
                if (charge is null) return;
                if (_world.Chance(_crashes * 3))
                {
                    await _world.Store.End(id, charge.Amounts, ChargeState.Unknown);
                    return;
                }
                var charged = _world.Chance(30) ? default : charge.Amounts with { Tokens = _world.Next((int)charge.Amounts.Tokens + 1) };
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
            for (var attempt = 0; attempt < 5; attempt++)
            {
                var result = await _world.Reserve(shard, new Reservation(id, key, amounts) { LostEpoch = lost });
                if (result.Charge is not { } charge) return null;
                if (_world.Chance(_crashes * 2)) return null;
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
            return null;
        }

        private void VerifyLimits()
        {
            var (all, ofKey) = (_world.Store.Used(null), _world.Store.Used(LedgerWorld.Key));
            Assert.True(all.Requests <= TenantLimit.Requests && all.Tokens <= TenantLimit.Tokens && ofKey.Requests <= KeyLimit.Requests, _world.Trace);
            Assert.True(all is { Requests: >= 0, Tokens: >= 0 }, _world.Trace);
        }

        private void VerifyThatEverythingLeftCanBeUsed()
        {
            var all = _world.Store.Used(null);
            var (requests, tokens) = (TenantLimit.Requests - all.Requests, TenantLimit.Tokens - all.Tokens);
            for (var i = 0; i < requests; i++) Assert.True(IsAdmitted(null, i == 0 ? tokens : 0), $"{requests} and {tokens} are left.\n{_world.Trace}");
            Assert.False(IsAdmitted(null, 0), _world.Trace);
            Assert.Equal(TenantLimit.Requests, _world.Store.Used(null).Requests);
            Assert.Equal(requests > 0 ? TenantLimit.Tokens : all.Tokens, _world.Store.Used(null).Tokens);
        }

        private bool IsAdmitted(string? key, long tokens)
        {
            TurnCharge? charge = null;
            _world.Run(() => _ = Run());
            _world.Settle();
            return charge is not null;

            async Task Run()
            {
                var (id, shard) = (++_rows, _world.Next(Shards));
                charge = await StoreOne(shard, id);
                if (charge is null) return;
                await _world.Store.End(id, charge.Amounts, ChargeState.Settled);
                await _world.SettleTurn(shard, id, charge.Amounts);
            }

            async Task<TurnCharge?> StoreOne(int shard, long id)
            {
                var lost = 0L;
                while (true)
                {
                    var result = await _world.Reserve(shard, new Reservation(id, key, new Amounts(1, tokens, 0)) { LostEpoch = lost });
                    if (result.Charge is not { } reserved) return null;
                    try
                    {
                        await _world.Store.Insert(id, key, reserved);
                        return reserved;
                    }
                    catch (EpochClosedException)
                    {
                        lost = reserved.Epoch;
                    }
                }
            }
        }

        private void VerifyStatus()
        {
            foreach (var key in (string?[])[null, LedgerWorld.Key])
            {
                BudgetStatus? status = null;
                _world.Run(() => _ = Read());
                _world.Settle();
                Assert.NotNull(status);
                if (key is not null) continue;
                Assert.Equal(_world.Store.Used(key, ChargeState.Settled), Month(status.Settled));
                Assert.Equal(_world.Store.Used(key, ChargeState.Unknown), Month(status.Unknown));
                Assert.Equal(_world.Store.Used(key, ChargeState.Reserved), Month(status.Reserved));

                async Task Read() => status = await _world.StatusOf(key);
            }
        }

        private static Amounts Month(IReadOnlyList<PeriodAmounts> lines) =>
            lines.Where(line => line.Period == BudgetPeriod.Month).Aggregate(default(Amounts), (sum, line) => sum + line.Amounts);
    }
}
