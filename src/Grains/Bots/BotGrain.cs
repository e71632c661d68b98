using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// Leases turns on one bot and chooses the account: the preferred one, otherwise the next one in round-robin order that accepts the turn. Keeps the bot active
/// if its definition says so, and learns the cadence of its replies.
/// </summary>
[GrainType("bot"), ActivationCountBasedPlacement, CollectionAgeLimit(Hours = 1)]
public sealed class BotGrain : Grain, IBotGrain, IRemindable
{
    private const string Reminder = "keep-active";
    private const int MaxRememberedSamples = 1_000;
    private static readonly TimeSpan ReminderPeriod = TimeSpan.FromHours(1);
    private static readonly TimeSpan SaveDelay = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan RemovedPause = TimeSpan.FromSeconds(1);

    private readonly IPersistentState<BotState> _state;
    private readonly BackgroundWork _work;
    private readonly TimeProvider _time;
    private readonly LeaseBook _leases;
    private readonly BotBreakers _breakers;
    private readonly HealthReporter _health;
    private readonly IFleetView _fleet;
    private readonly StateSaver<BotState> _saver;
    private readonly DelayedSave _save;
    private readonly KeepActiveTurn _keepActive;
    private readonly RefusedAccounts _refusedAccounts;
    private readonly BotLoads _loads;
    private LeaseLimits? _limits;
    private readonly HashSet<string> _sampleIds = [];
    private int _nextAccount;
    private bool _wasUsedSinceSave;

    /// <summary>Called by Orleans.</summary>
    public BotGrain(
        [PersistentState("bot")] IPersistentState<BotState> state,
        BackgroundWork work,
        IEnumerable<IUpstream> upstreams,
        IFleetView fleet,
        BotLoads loads,
        TimeProvider time,
        ILogger<BotGrain> logger)
    {
        _state = state;
        _work = work;
        _time = time;
        _leases = new LeaseBook(time, LeaseRequest.Lifetime);
        _breakers = new BotBreakers(time);
        _refusedAccounts = new RefusedAccounts(time);
        _health = new HealthReporter(work, GrainFactory, HealthKind.Bot, time, logger);
        _fleet = fleet;
        _loads = loads;
        _saver = new StateSaver<BotState>(state, work);
        _save = new DelayedSave(work, SaveDelay, () =>
        {
            _wasUsedSinceSave = false;
            return _saver.Save();
        });
        _keepActive = new KeepActiveTurn(this, upstreams.ToFrozenDictionary(upstream => upstream.Name), time);
    }

    private BotState State => _state.State;

    // The state is not loaded yet when the grain is created.
    private LeaseLimits Limits => _limits ??= new LeaseLimits(State.Claimed, _saver.Save, _time, "bot");

    /// <inheritdoc />
    public async Task<LeaseResult> Acquire(LeaseRequest request)
    {
        var result = await TakeLease(request);
        if (result.Grant is null) return result;
        State.LastUsedAt = _time.GetUtcNow();
        _wasUsedSinceSave = true;
        return result;
    }

    /// <inheritdoc />
    public async Task<BotExplanation> Explain(LeaseRequest request)
    {
        var definition = await FindDefinition();
        if (Check(definition, request) is { } refusal) return new BotExplanation(null, refusal, []);
        var asked = new List<RouteAccount>();
        var (account, refused) = await AskAccounts(
            definition!,
            request,
            accountId => GrainFactory.Grain<IAccountGrain>(accountId).Explain(AccountRequestOf(request)),
            (accountId, refusal) => asked.Add(new RouteAccount(accountId, refusal)));
        return new BotExplanation(account?.Id, refused, asked);
    }

    /// <inheritdoc />
    public Task Renew(string leaseId, string accountId)
    {
        _leases.Take(leaseId);
        _loads.Report(_work.Key, _leases.Count);
        return GrainFactory.Grain<IAccountGrain>(accountId).Renew(leaseId);
    }

    /// <inheritdoc />
    public Task Return(string leaseId, string accountId, LeaseOutcome outcome)
    {
        if (_leases.Return(leaseId))
        {
            _loads.Report(_work.Key, _leases.Count);
            _limits?.Settle(leaseId, outcome.Used);
            if (outcome.Error is null) ReportSuccess(leaseId, accountId);
            else if (outcome.Error is { RecoveryAction: RecoveryAction.RotateAccount, IsForOneBotOnly: true }) _refusedAccounts.Add(accountId, outcome.Error);
            else if (outcome.Error.RecoveryAction == RecoveryAction.CoolBot) ReportFailure(leaseId, outcome.Error);
        }
        _breakers.Leave(leaseId);
        return GrainFactory.Grain<IAccountGrain>(accountId).Return(leaseId, outcome);
    }

    /// <inheritdoc />
    public Task<ReplyCadence?> GetCadence() => Task.FromResult(State.Cadence is { } known ? new Cadence(known).Result : null);

    /// <inheritdoc />
    public Task AddReplySample(ReplySample sample)
    {
        if (!_sampleIds.Add(sample.Id)) return Task.CompletedTask;
        // A sample arrives a second time only shortly after the first, so old ids may be removed.
        if (_sampleIds.Count > MaxRememberedSamples) _sampleIds.Clear();
        new Cadence(State.Cadence ??= new CadenceState()).Add(sample);
        if (sample.WasCut) GrainMetrics.ReplyCut(_work.Key);
        _save.Schedule();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task KeepActive()
    {
        // The fleet was applied just now, and this process may not know it yet.
        await _fleet.Refresh();
        if (await FindKeepActive() is not { } definition) return;
        if (State.KeptActiveAt is null)
        {
            State.KeptActiveAt = _time.GetUtcNow();
            await _save.SaveNow();
        }
        await ScheduleReminder(definition);
    }

    /// <inheritdoc />
    public async Task ReceiveReminder(string reminderName, TickStatus status)
    {
        if (await FindKeepActive() is not { } definition) return;
        var now = _time.GetUtcNow();
        var lastHandled = State.KeptActiveAt ?? now;
        if (KeepActiveSchedule.NextDue(definition, _work.Key, lastHandled, State.LastUsedAt) <= now)
        {
            var isNeeded = KeepActiveSchedule.IsNeeded(definition, lastHandled, State.LastUsedAt);
            // Saved before the message is sent, so that no other activation sends it again.
            State.KeptActiveAt = now;
            await _save.SaveNow();
            if (isNeeded) _work.Run(stop => SendKeepActive(definition, stop));
        }
        await ScheduleReminder(definition);
    }

    /// <summary>The time of the last use is saved only here and with other changes, not with every turn.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        _loads.Report(_work.Key, 0);
        GuardMetrics.SetBreakers(_work.Key, [], _time);
        var gaveBack = _limits?.GiveBack() == true;
        if (gaveBack || _save.IsPending || (_wasUsedSinceSave && State.KeptActiveAt is not null)) await _save.SaveNow();
    }

    /// <summary>Takes a lease that does not count as a use of the bot.</summary>
    internal async Task<LeaseResult> TakeLease(LeaseRequest request)
    {
        var definition = await FindDefinition();
        if (Check(definition, request) is { } refusal)
        {
            if (refusal.Kind is RefusalKind.Busy or RefusalKind.AtLimit) GuardMetrics.LimitReached("bot", _work.Key, _time);
            return new LeaseResult(null, refusal);
        }
        var isNew = !_leases.Holds(request.LeaseId);
        if (isNew) _breakers.Enter(request.LeaseId, request.TenantId);

        // Taken and counted before anything is awaited, so that interleaving calls count it.
        _leases.Take(request.LeaseId);
        var isGranted = false;
        try
        {
            if (isNew) await Limits.Reserve(request.LeaseId, AmountsOf(request), definition!.Limits);
            var asking = AskAccounts(
                definition!, request, accountId => GrainFactory.Grain<IAccountGrain>(accountId).AcquireWithin(AccountRequestOf(request)), (_, _) => { });
            _nextAccount++;
            var (account, refused) = await asking;
            isGranted = account is not null;
            if (isGranted) return new LeaseResult(new Lease(request.LeaseId, definition!, account!), null);
            // If this turn avoids some accounts, the bot may be available for other turns.
            if (request.Avoid.Count == 0) ReportRefused(refused!);
            return new LeaseResult(null, refused);
        }
        finally
        {
            if (!isGranted)
            {
                _leases.Return(request.LeaseId);
                _breakers.Leave(request.LeaseId);
                Limits.Release(request.LeaseId);
            }
            _loads.Report(_work.Key, _leases.Count);
        }
    }

    private ValueTask<BotDefinition?> FindDefinition() => _fleet.FindCurrent(view => view.FindBot(_work.Key));

    private static Amounts AmountsOf(LeaseRequest request) => request.Amounts ?? new Amounts(1, 0, 0);

    /// <summary>Why the bot itself refuses a lease; null if it does not. Changes nothing.</summary>
    private Refusal? Check(BotDefinition? definition, LeaseRequest request)
    {
        if (definition is null)
            return Refuse(new Error(ErrorCode.NoBotAvailable, "The bot was removed from the fleet."), _time.GetUtcNow() + RemovedPause);
        if (_leases.Holds(request.LeaseId)) return null;
        if (_leases.Count >= definition.MaxConcurrentTurns)
            return Refuse(new Error(ErrorCode.NoBotAvailable, "The bot has reached its limit of concurrent turns."), null, RefusalKind.Busy);
        if (Limits.Leases > 2 * _leases.Count) Limits.Prune(_leases.Holds);
        if (Limits.Check(AmountsOf(request), definition.Limits) is { } limit) return Refuse(limit, limit.Until, RefusalKind.AtLimit);
        if (_breakers.Turns > 2 * _leases.Count) _breakers.Prune(_leases.Holds);
        return _breakers.Check(request.TenantId) is var (error, until) ? Refuse(error, until) : null;
    }

    private static AccountLeaseRequest AccountRequestOf(LeaseRequest request) =>
        new(request.LeaseId, AmountsOf(request)) { TenantId = request.TenantId };

    /// <summary>Asks one account after the other.</summary>
    /// <param name="definition">The bot.</param>
    /// <param name="request">The request.</param>
    /// <param name="ask">Asks an account.</param>
    /// <param name="onAnswer">Receives the refusal of each account; null for the one that grants.</param>
    private async Task<(AccountDefinition? Account, Refusal? Refusal)> AskAccounts(
        BotDefinition definition, LeaseRequest request, Func<string, Task<AccountLeaseResult>> ask, Action<string, Refusal?> onAnswer)
    {
        // The refusal of the account that is available first.
        Refusal? first = null;
        foreach (var accountId in OrderAccounts(definition, request))
        {
            var refusal = _refusedAccounts.Find(accountId);
            if (refusal is null)
            {
                var answer = await ask(accountId);
                if (answer.Grant is { } account)
                {
                    onAnswer(accountId, null);
                    return (account, null);
                }
                refusal = answer.Refusal!;
            }
            onAnswer(accountId, refusal);
            if (first is null || refusal.Until < first.Until) first = refusal;
        }
        if (first is null) return (null, Refuse(new Error(ErrorCode.NoBotAvailable, "No account of the bot is left for this turn."), null));
        return (null, Refuse(first.Error, first.Until, first.Kind));
    }

    /// <summary>Reports that no account serves the bot, unless its accounts have just reached limits of the fleet.</summary>
    private void ReportRefused(Refusal refusal)
    {
        if (refusal is { Until: null } or { Kind: RefusalKind.AtLimit }) return;
        var isTemporary = refusal.Error.Code is not (ErrorCode.UpstreamUnauthorized or ErrorCode.UpstreamForbidden);
        _health.ReportUnavailable(isTemporary ? HealthState.Cooling : HealthState.Failing, refusal.Error, refusal.Until);
    }

    private List<string> OrderAccounts(BotDefinition definition, LeaseRequest request)
    {
        var accounts = definition.Accounts;
        var takesCredential = _fleet.TakesCredential(definition, request.CredentialUpstream);
        var start = _nextAccount & int.MaxValue;
        var ordered = new List<string>(accounts.Count);
        for (var i = 0; i < accounts.Count; i++)
        {
            var account = accounts[(start + i) % accounts.Count];
            if (request.Avoid.Contains(account) || (_fleet.FindAccount(account)?.CredentialFromRequest ?? false) != takesCredential) continue;
            if (account == request.PreferredAccount) ordered.Insert(0, account);
            else ordered.Add(account);
        }
        return ordered;
    }

    private void ReportSuccess(string leaseId, string accountId)
    {
        _refusedAccounts.Remove(accountId);
        _breakers.RecordSuccess(leaseId);
        if (GuardMetrics.HasBreaker(_work.Key)) GuardMetrics.SetBreakers(_work.Key, _breakers.ListStates(), _time);
        // This turn began before the bot had to pause.
        if (_breakers.IsPaused) return;
        _health.ReportOk();
    }

    private void ReportFailure(string leaseId, Error error)
    {
        var openUntil = _breakers.RecordFailure(leaseId, error);
        GuardMetrics.SetBreakers(_work.Key, _breakers.ListStates(), _time);
        // A single failure is not reported as the bot's health.
        if (openUntil is not { } until) return;
        _health.ReportUnavailable(error.Until is null ? HealthState.Failing : HealthState.Cooling, error, until);
    }

    private async Task SendKeepActive(KeepActiveDefinition definition, CancellationToken stop)
    {
        var at = _time.GetUtcNow();
        var (error, wasSent) = await _keepActive.Run(definition.Text, stop);
        GrainMetrics.KeptActive(_work.Key, error);
        var result = new KeepActiveResult(at, error?.Message);
        State.KeepActive = result;
        if (error is null) _health.ReportOk(result);
        else if (!wasSent) _health.ReportKeepActive(result);
        else _health.Report(HealthState.Failing, $"The bot did not answer the keep-active message: {error.Message}", error.Code, null, result);
        await _save.SaveNow();
    }

    /// <summary>Finds the keep-active definition. Removes the reminder if there is none.</summary>
    private async Task<KeepActiveDefinition?> FindKeepActive()
    {
        var definition = _fleet.FindBot(_work.Key)?.KeepActive;
        if (definition is null) await this.ClearReminder(Reminder);
        return definition;
    }

    private Task ScheduleReminder(KeepActiveDefinition definition)
    {
        var now = _time.GetUtcNow();
        var wait = KeepActiveSchedule.NextDue(definition, _work.Key, State.KeptActiveAt ?? now, State.LastUsedAt) - now;
        // Rounded up to whole milliseconds, so that the reminder is never early.
        return this.RegisterOrUpdateReminder(Reminder, TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(wait.TotalMilliseconds))), ReminderPeriod);
    }

    private Refusal Refuse(Error error, DateTimeOffset? until, RefusalKind kind = RefusalKind.Unavailable) =>
        new(_work.Key, error, until) { Kind = kind };
}
