using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Leases turns on one bot, and chooses the account: the preferred one, else the next in turn that takes it. Keeps the bot active where the fleet says so,
/// and what was learnt of its replies.
/// </summary>
[GrainType("bot"), ActivationCountBasedPlacement, CollectionAgeLimit(Hours = 1)]
public sealed class BotGrain : Grain, IBotGrain, IRemindable
{
    private const string Reminder = "keep-active";
    private const int MaxRemembered = 1_000;
    private static readonly TimeSpan RemindAgain = TimeSpan.FromHours(1);
    private static readonly TimeSpan SaveAfter = TimeSpan.FromMinutes(1);

    private readonly IPersistentState<BotState> _state;
    private readonly BackgroundWork _work;
    private readonly TimeProvider _time;
    private readonly LeaseBook _leases;
    private readonly Breaker _breaker;
    private readonly HealthReporter _health;
    private readonly Declared<BotDefinition> _definition;
    private readonly StateSaver<BotState> _saver;
    private readonly KeepActiveTurn _keepActive;
    private readonly HashSet<string> _learntFrom = [];
    private int _nextAccount;
    private bool _usedSinceSaved;
    private Error? _why;
    private IDisposable? _saving;

    /// <summary>Made by Orleans.</summary>
    public BotGrain(
        [PersistentState("bot")] IPersistentState<BotState> state, BackgroundWork work, IEnumerable<IUpstream> upstreams, TimeProvider time, ILogger<BotGrain> logger)
    {
        _state = state;
        _work = work;
        _time = time;
        _leases = new LeaseBook(time, LeaseRequest.Lifetime);
        _breaker = new Breaker(time);
        _health = new HealthReporter(work, GrainFactory, HealthKind.Bot, time, logger);
        _definition = new Declared<BotDefinition>(time, Find);
        _saver = new StateSaver<BotState>(state, work);
        _keepActive = new KeepActiveTurn(this, upstreams.ToFrozenDictionary(upstream => upstream.Name), time);
    }

    private BotState State => _state.State;

    /// <inheritdoc />
    public async Task<LeaseResult> Acquire(LeaseRequest request)
    {
        var result = await Take(request);
        if (result.Grant is null) return result;
        State.LastUsedAt = _time.GetUtcNow();
        _usedSinceSaved = true;
        return result;
    }

    /// <inheritdoc />
    public Task Renew(string leaseId, string accountId)
    {
        _leases.Take(leaseId);
        return GrainFactory.Grain<IAccountGrain>(accountId).Renew(leaseId);
    }

    /// <inheritdoc />
    public Task Return(string leaseId, string accountId, LeaseOutcome outcome)
    {
        if (_leases.Return(leaseId))
        {
            if (outcome.Error is null) Worked();
            else if (outcome.Error.RecoveryAction == RecoveryAction.CoolBot) Failed(outcome.Error);
        }
        return GrainFactory.Grain<IAccountGrain>(accountId).Return(leaseId, outcome);
    }

    /// <inheritdoc />
    public Task<ReplyCadence?> Cadence() => Task.FromResult(State.Cadence is { } known ? new Cadence(known).Learnt : null);

    /// <inheritdoc />
    public Task Learn(ReplySample sample)
    {
        if (!_learntFrom.Add(sample.Id)) return Task.CompletedTask;
        // A sample is told twice at once or not at all.
        if (_learntFrom.Count > MaxRemembered) _learntFrom.Clear();
        new Cadence(State.Cadence ??= new CadenceState()).Add(sample);
        if (sample.WasCut) GrainMetrics.ReplyCut(_work.Key);
        _saving ??= this.StartTimer(SaveAfter, Timeout.InfiniteTimeSpan, _ => Save());
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task KeepActive()
    {
        // Not from memory: the fleet has just come into force.
        if ((await Find())?.KeepActive is not { } definition)
        {
            await this.ClearReminder(Reminder);
            return;
        }
        if (State.KeptActiveAt is null)
        {
            State.KeptActiveAt = _time.GetUtcNow();
            await Save();
        }
        await Remind(definition);
    }

    /// <inheritdoc />
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if ((await Find())?.KeepActive is not { } definition)
        {
            await this.ClearReminder(Reminder);
            return;
        }
        var now = _time.GetUtcNow();
        var seenTo = State.KeptActiveAt ?? now;
        if (KeepActiveSchedule.Due(definition, _work.Key, seenTo, State.LastUsedAt) <= now)
        {
            var isNeeded = KeepActiveSchedule.IsNeeded(definition, seenTo, State.LastUsedAt);
            // Stored before it is sent: nobody in the cluster sends it a second time.
            State.KeptActiveAt = now;
            await Save();
            if (isNeeded) _work.Run(stop => SendKeepActive(definition, stop));
        }
        await Remind(definition);
    }

    /// <summary>When it was last used is stored now and not with every turn.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        if (_saving is not null || (_usedSinceSaved && State.KeptActiveAt is not null)) await Save();
    }

    /// <summary>A lease that does not count as somebody's use of the bot.</summary>
    internal async Task<LeaseResult> Take(LeaseRequest request)
    {
        var definition = await _definition.Get();
        if (definition is null) return Refuse(new Error(ErrorCode.NoBotAvailable, "The bot was removed from the fleet."), TimeSpan.FromSeconds(1));

        var known = _leases.Holds(request.LeaseId);
        if (!known && _why?.Until > _time.GetUtcNow()) return Refuse(_why, _why.Until);
        if (!known && !_breaker.Allow()) return Refuse(new Error(ErrorCode.NoBotAvailable, "The bot is cooling after failures."), _breaker.OpenUntil);
        if (!known && _leases.Count >= definition.MaxConcurrentTurns)
        {
            return Refuse(new Error(ErrorCode.NoBotAvailable, "The bot is running as many turns as it may."), null);
        }

        // Taken before asking accounts, so that calls which interleave meanwhile see it.
        _leases.Take(request.LeaseId);
        LeaseResult? result = null;
        try
        {
            result = await AcquireAccount(definition, request);
            return result;
        }
        finally
        {
            if (result?.Grant is null) _leases.Return(request.LeaseId);
        }
    }

    private async Task<LeaseResult> AcquireAccount(BotDefinition definition, LeaseRequest request)
    {
        Refusal? last = null;
        foreach (var accountId in InTurn(definition.Accounts, request))
        {
            var answer = await GrainFactory.Grain<IAccountGrain>(accountId).Acquire(request.LeaseId);
            if (answer.Grant is { } account) return new LeaseResult(new Lease(request.LeaseId, definition, account), null);
            // Until the first of them is fit again.
            if (last is null || answer.Refusal!.Until < last.Until) last = answer.Refusal;
        }
        if (last is null) return Refuse(new Error(ErrorCode.NoBotAvailable, "No account of the bot is left for this turn."), null);
        // With accounts that the turn itself avoids, the bot may well be fit for others.
        if (last.Until is not null && request.Avoid.Count == 0)
        {
            var passes = last.Error.Code is not (ErrorCode.UpstreamUnauthorized or ErrorCode.UpstreamForbidden);
            _health.Not(passes ? HealthState.Cooling : HealthState.Failing, last.Error, last.Until);
        }
        return Refuse(last.Error, last.Until);
    }

    private List<string> InTurn(IReadOnlyList<string> accounts, LeaseRequest request)
    {
        var start = _nextAccount++ & int.MaxValue;
        var inTurn = new List<string>(accounts.Count);
        for (var i = 0; i < accounts.Count; i++)
        {
            var account = accounts[(start + i) % accounts.Count];
            if (request.Avoid.Contains(account)) continue;
            if (account == request.PreferredAccount) inTurn.Insert(0, account);
            else inTurn.Add(account);
        }
        return inTurn;
    }

    private void Worked()
    {
        _breaker.Succeeded();
        // A turn that began before says nothing about it.
        if (_why?.Until > _time.GetUtcNow()) return;
        _health.Ok();
    }

    private void Failed(Error error)
    {
        if (error.Until is not null)
        {
            // The far side says until when: there is nothing to find out by trying.
            _why = error;
            _health.Not(HealthState.Cooling, error, error.Until);
            return;
        }
        _breaker.Failed();
        // A failure now and then is the turn's matter, not the bot's.
        if (_breaker.OpenUntil > _time.GetUtcNow()) _health.Not(HealthState.Failing, error, _breaker.OpenUntil);
    }

    private async Task SendKeepActive(KeepActiveDefinition definition, CancellationToken stop)
    {
        var at = _time.GetUtcNow();
        var (error, wasSent) = await _keepActive.Run(definition.Text, stop);
        GrainMetrics.KeptActive(_work.Key, error);
        var result = new KeepActiveResult(at, error?.Message);
        State.KeepActive = result;
        if (error is null) _health.Ok(result);
        else if (!wasSent) _health.Keep(result);
        else _health.Tell(HealthState.Failing, $"It did not answer the keep-active message: {error.Message}", error.Code, null, result);
        await Save();
    }

    private Task Save()
    {
        _usedSinceSaved = false;
        _saving?.Dispose();
        _saving = null;
        return _saver.Save();
    }

    private Task Remind(KeepActiveDefinition definition)
    {
        var now = _time.GetUtcNow();
        var wait = KeepActiveSchedule.Due(definition, _work.Key, State.KeptActiveAt ?? now, State.LastUsedAt) - now;
        // Whole milliseconds: never too early.
        return this.RegisterOrUpdateReminder(Reminder, TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(wait.TotalMilliseconds))), RemindAgain);
    }

    private Task<BotDefinition?> Find() => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindBot(_work.Key);

    private LeaseResult Refuse(Error error, TimeSpan forThatLong) => Refuse(error, _time.GetUtcNow() + forThatLong);

    private LeaseResult Refuse(Error error, DateTimeOffset? until) => new(null, new Refusal(_work.Key, error, until));
}
