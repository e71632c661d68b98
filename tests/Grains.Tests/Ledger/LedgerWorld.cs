using System.Globalization;
using System.Text;
using System.Text.Json;
using CozeCluster.TestKit;

namespace CozeCluster.Grains.Tests.Ledger;

/// <summary>
/// The shards and budgets of a tenant, with a storage and messages whose order the test chooses. Everything runs on one thread; what waits for a message or for
/// the storage continues when the test picks that step. A crash replaces a shard or a budget by a new one; the old one continues, as a node does that others
/// take for dead.
/// </summary>
internal sealed class LedgerWorld
{
    public const string Tenant = "t";
    public const string Key = "k";

    private readonly Random _random;
    private readonly StringBuilder _trace = new();
    private readonly OneThread _thread = new();
    private readonly List<(string Name, Action Run)> _steps = [];
    private readonly LedgerShard[] _shards;
    private readonly Dictionary<string, StoredBudget> _stored = [];
    private readonly Dictionary<string, RunningBudget> _budgets = [];

    public LedgerWorld(int seed, LimitsDefinition tenant, LimitsDefinition? key, int shards)
    {
        _random = new Random(seed);
        Fleet = new LimitedFleet(new TenantDefinition { Id = Tenant, Limits = tenant }, key);
        Store = new LedgerRows(Time, Post);
        _shards = new LedgerShard[shards];
        for (var i = 0; i < shards; i++) Crash(i);
    }

    public ManualTime Time { get; } = new();

    public LimitedFleet Fleet { get; }

    public LedgerRows Store { get; }

    /// <summary>How often a message is lost or repeated, of a hundred.</summary>
    public int Faults { get; set; }

    /// <summary>The name of steps that are picked less often than others.</summary>
    public string? Slow { get; init; }

    /// <summary>Whether something waits to be picked.</summary>
    public bool IsBusy => _steps.Count > 0;

    /// <summary>How many shards there are.</summary>
    public int Shards => _shards.Length;

    /// <summary>How often budgets were saved.</summary>
    public int Saves { get; private set; }

    public string Trace => _trace.ToString();

    public bool Chance(int percent) => _random.Next(100) < percent;

    public int Next(int below) => _random.Next(below);

    /// <summary>Runs code on the only thread, with everything that it lets continue.</summary>
    public void Run(Action action) => _thread.Run(action);

    /// <summary>Picks one of the steps that wait.</summary>
    public void Step()
    {
        var index = _random.Next(_steps.Count);
        for (var tries = 0; tries < 20 && _steps[index].Name == Slow; tries++) index = _random.Next(_steps.Count);
        var (name, run) = _steps[index];
        _steps.RemoveAt(index);
        _trace.AppendLine(name);
        Run(run);
    }

    /// <summary>Runs steps until nothing waits.</summary>
    public void Settle()
    {
        for (var i = 0; IsBusy; i++)
        {
            Assert.True(i < 100_000, "The world does not come to rest.");
            Step();
        }
    }

    public void Crash(int shard)
    {
        _trace.AppendLine(CultureInfo.InvariantCulture, $"crash of shard {shard}");
        _shards[shard] = new LedgerShard(
            Tenant, shard, Fleet, Store, Time,
            claim => Send("claim", () => BudgetOf(claim.KeyName).Claim(claim)),
            () => Send("end epochs", () => BudgetOf(null).EndEpochs(shard)));
    }

    public void CrashBudget(string? key)
    {
        _trace.AppendLine(CultureInfo.InvariantCulture, $"crash of budget {key}");
        _budgets.Remove(key ?? "");
    }

    public Task<ReservationResult> Reserve(int shard, Reservation reservation) => Send("reserve", () => _shards[shard].Reserve(reservation));

    public Task SettleTurn(int shard, long rowId, Amounts charged) => Send("settle", () =>
    {
        _shards[shard].Settle(rowId, charged);
        return Task.FromResult(true);
    });

    /// <summary>Adds prepaid credit, in a step of its own.</summary>
    public Task AddCredit(string id, long units) => Send("add credit", () =>
        BudgetOf(null).AddCredit(new CreditPayment(id, units, DateTimeOffset.UnixEpoch)));

    public Task<BudgetStatus> StatusOf(string? key) => BudgetOf(key).Run(budget => budget.GetStatus(key));

    /// <summary>A step of its own.</summary>
    public Task Post(string name, Action effect)
    {
        var done = new TaskCompletionSource();
        _steps.Add((name, () =>
        {
            try
            {
                effect();
                done.SetResult();
            }
            catch (Exception exception)
            {
                done.SetException(exception);
            }
        }));
        return done.Task;
    }

    /// <summary>A call: it may be lost or repeated, and its answer may be lost.</summary>
    private async Task<T> Send<T>(string name, Func<Task<T>> call)
    {
        await Post(name, () => { });
        if (Chance(Faults)) throw Lost();
        if (Chance(Faults))
        {
            _ = Ignore(call());
            await Post($"{name} again", () => { });
        }
        var result = await call();
        await Post($"answer of {name}", () => { });
        return Chance(Faults) ? throw Lost() : result;
    }

    private static async Task Ignore(Task task)
    {
        try
        {
            await task;
        }
        catch (ClusterException)
        {
        }
    }

    private static ClusterException Lost() => new(ErrorCode.CallRejected, "The message was lost.");

    private RunningBudget BudgetOf(string? key)
    {
        var name = key ?? "";
        if (!_stored.TryGetValue(name, out var stored)) _stored[name] = stored = new StoredBudget();
        if (_budgets.TryGetValue(name, out var running) && !running.IsOutdated) return running;
        return _budgets[name] = new RunningBudget(this, stored);
    }

    private sealed class StoredBudget
    {
        public long Version { get; set; }

        public string Json { get; set; } = "{}";
    }

    /// <summary>An activation of a budget: it handles its calls one after another, and ends after an error.</summary>
    private sealed class RunningBudget
    {
        private readonly LedgerWorld _world;
        private readonly StoredBudget _stored;
        private readonly BudgetState _state;
        private readonly Budget _budget;
        private long _version;
        private Task _last = Task.CompletedTask;

        public RunningBudget(LedgerWorld world, StoredBudget stored)
        {
            (_world, _stored, _version) = (world, stored, stored.Version);
            _state = JsonSerializer.Deserialize(stored.Json, StateJson.Default.BudgetState)!;
            _budget = new Budget(_state, Save, world.Store, world.Fleet, world.Time, (shard, request) =>
                world.Send("recall", () => Task.FromResult(world._shards[shard].Recall(request))));
        }

        public bool IsOutdated { get; private set; }

        public Task<BudgetGrant> Claim(BudgetClaim claim) => Run(budget => budget.Claim(claim));

        public Task<bool> EndEpochs(int shard) => Run(async budget =>
        {
            await budget.EndEpochs(shard);
            return true;
        });

        public Task<bool> AddCredit(CreditPayment payment) => Run(async _ =>
        {
            if (CreditBook.TryAdd(_state, payment, payment.At)) await Save();
            return true;
        });

        public Task<T> Run<T>(Func<Budget, Task<T>> call)
        {
            var next = RunAfter(_last, call);
            _last = next;
            return next;
        }

        private async Task<T> RunAfter<T>(Task before, Func<Budget, Task<T>> call)
        {
            await Task.WhenAny(before);
            if (IsOutdated) throw Lost();
            try
            {
                return await call(_budget);
            }
            catch
            {
                IsOutdated = true;
                throw;
            }
        }

        private async Task Save()
        {
            var json = JsonSerializer.Serialize(_state, StateJson.Default.BudgetState);
            await _world.Post("save", () =>
            {
                if (_stored.Version != _version) throw new ClusterException(ErrorCode.StateConflict, "Another activation has saved.");
                (_stored.Version, _stored.Json) = (++_version, json);
                _world.Saves++;
            });
            if (_world.Chance(_world.Faults)) throw Lost();
        }
    }

    /// <summary>Runs everything on the calling thread, in order.</summary>
    private sealed class OneThread : SynchronizationContext
    {
        private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();

        public override void Post(SendOrPostCallback d, object? state) => _queue.Enqueue((d, state));

        public void Run(Action action)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                action();
                while (_queue.TryDequeue(out var next)) next.Callback(next.State);
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }
    }
}
