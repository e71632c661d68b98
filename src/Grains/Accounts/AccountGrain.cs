using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>The stored state of an account.</summary>
public sealed class AccountState
{
    /// <summary>The messages that the account has posted to Discord today.</summary>
    public DailyPosts Posts { get; set; } = new();

    /// <summary>What is claimed of its budgets, by period; see <see cref="LeaseLimits"/>.</summary>
    public List<PeriodAmounts> Claimed { get; set; } = [];
}

/// <summary>Leases turns on one account, and disables the account for a while when the upstream refuses it.</summary>
[GrainType("account"), PreferLocalPlacement, CollectionAgeLimit(Hours = 1)]
public sealed class AccountGrain : Grain, IAccountGrain
{
    private static readonly TimeSpan SaveDelay = TimeSpan.FromMinutes(1);

    // How long the account is disabled if the upstream does not say until when. Without credits it is tried again soon, and then less and less often.
    private static readonly TimeSpan RateLimitPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan FirstOutOfCreditPause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan MaxOutOfCreditPause = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan RefusalPause = TimeSpan.FromMinutes(1);

    private readonly IPersistentState<AccountState> _state;
    private readonly BackgroundWork _work;
    private readonly IDiscordPosting _discord;
    private readonly TimeProvider _time;
    private readonly LeaseBook _leases;
    private readonly TenantPauses _pauses;

    // The tenants of the leases.
    private readonly Dictionary<string, string> _tenants = [];
    private readonly IFleetView _fleet;
    private readonly HealthReporter _health;
    private readonly StateSaver<AccountState> _saver;
    private readonly DelayedSave _save;
    private LeaseLimits? _limits;

    // The latest definition that was read.
    private AccountDefinition? _latest;

    // Leases that were granted before the credential changed.
    private HashSet<string> _leasesOfOldCredential = [];

    // The error that disabled the account, and the definition that it is about.
    private Error? _error;
    private AccountDefinition? _refusedDefinition;
    private DateTimeOffset _disabledUntil;
    private int _timesOutOfCredit;

    /// <summary>Called by Orleans.</summary>
    public AccountGrain(
        [PersistentState("account")] IPersistentState<AccountState> state,
        BackgroundWork work,
        IDiscordPosting discord,
        IFleetView fleet,
        TimeProvider time,
        ILogger<AccountGrain> logger)
    {
        _state = state;
        _work = work;
        _discord = discord;
        _time = time;
        _leases = new LeaseBook(time, LeaseRequest.Lifetime);
        _pauses = new TenantPauses(time);
        _fleet = fleet;
        _health = new HealthReporter(work, GrainFactory, HealthKind.Account, time, logger);
        _saver = new StateSaver<AccountState>(state, work);
        _save = new DelayedSave(work, SaveDelay, _saver.Save);
    }

    // The state is not loaded yet when the grain is created.
    private LeaseLimits Limits => _limits ??= new LeaseLimits(_state.State.Claimed, _saver.Save, _time, "account");

    private bool IsDisabled => _error is not null && _disabledUntil > _time.GetUtcNow();

    /// <inheritdoc />
    public Task<AccountLeaseResult> Acquire(string leaseId) => AcquireWithin(new AccountLeaseRequest(leaseId, new Amounts(1, 0, 0)));

    /// <inheritdoc />
    public async Task<AccountLeaseResult> AcquireWithin(AccountLeaseRequest request)
    {
        await _fleet.FindCurrent(view => view.FindAccount(_work.Key));
        var definition = ReadDefinition();
        if (Check(definition, request) is { } refusal)
        {
            if (refusal.Kind is RefusalKind.Busy or RefusalKind.AtLimit) GuardMetrics.LimitReached("account", _work.Key, _time);
            return new AccountLeaseResult(null, refusal);
        }
        var isNew = !_leases.Holds(request.LeaseId);
        _leases.Take(request.LeaseId);
        if (request.TenantId is not null) _tenants[request.LeaseId] = request.TenantId;
        try
        {
            if (isNew) await Limits.Reserve(request.LeaseId, request.Amounts, definition!.Limits);
        }
        catch
        {
            _leases.Return(request.LeaseId);
            _tenants.Remove(request.LeaseId);
            Limits.Release(request.LeaseId);
            throw;
        }
        return new AccountLeaseResult(definition, null);
    }

    /// <inheritdoc />
    public async Task<AccountLeaseResult> Explain(AccountLeaseRequest request)
    {
        await _fleet.FindCurrent(view => view.FindAccount(_work.Key));
        var definition = ReadDefinition();
        return Check(definition, request) is { } refusal ? new AccountLeaseResult(null, refusal) : new AccountLeaseResult(definition, null);
    }

    /// <inheritdoc />
    public Task Renew(string leaseId)
    {
        _leases.Take(leaseId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<DiscordPosted> Post(DiscordPost post, CancellationToken cancellationToken = default)
    {
        var definition = ReadDefinition() ?? throw RemovedError().ToException();
        try
        {
            var posted = await _discord.Post(definition, post, cancellationToken);
            CountPost(definition);
            return posted;
        }
        catch (ClusterException exception) when (exception is { RecoveryAction: RecoveryAction.RotateAccount, IsForOneBotOnly: false })
        {
            Disable(definition, exception.ToError(), tenantId: null);
            throw;
        }
    }

    /// <inheritdoc />
    public Task Return(string leaseId, LeaseOutcome outcome)
    {
        // Read while the lease is held: if the credential has changed, the lease becomes one of the old credential.
        AccountDefinition? definition = null;
        bool isHeld, isOfOldCredential;
        try
        {
            if (outcome.Error is { RecoveryAction: RecoveryAction.RotateAccount, IsForOneBotOnly: false }) definition = ReadDefinition();
        }
        finally
        {
            isHeld = _leases.Return(leaseId);
            isOfOldCredential = _leasesOfOldCredential.Remove(leaseId);
        }
        _tenants.Remove(leaseId, out var tenantId);
        if (!isHeld) return Task.CompletedTask;
        _limits?.Settle(leaseId, outcome.Used);
        if (outcome.Error is not { } error) ReportSuccess();
        // A turn on the old credential says nothing about the new one.
        else if (definition is not null && !isOfOldCredential) Disable(definition, error, tenantId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        var gaveBack = _limits?.GiveBack() == true;
        if (gaveBack || _save.IsPending) await _save.SaveNow();
    }

    /// <summary>Why the account refuses a lease; null if it does not. Changes nothing.</summary>
    private Refusal? Check(AccountDefinition? definition, AccountLeaseRequest request)
    {
        if (definition is null) return Refuse(RemovedError(), _time.GetUtcNow() + RefusalPause);

        // With a new credential, the account is tried again at once.
        if (IsDisabled && HasSameCredential(_refusedDefinition, definition)) return Refuse(SharedErrors.Of(_error!), _disabledUntil);
        if (_pauses.Find(request.TenantId) is var (error, until)) return Refuse(SharedErrors.Of(error), until);
        if (_leases.Holds(request.LeaseId)) return null;
        if (_state.State.Posts.LimitError(definition, _discord, _time.GetUtcNow()) is { } posts) return Refuse(posts, posts.Until);
        if (_leases.Count >= definition.MaxConcurrentTurns)
            return Refuse(new Error(ErrorCode.NoBotAvailable, "The account has reached its limit of concurrent turns."), null, RefusalKind.Busy);
        if (Limits.Leases > 2 * _leases.Count) Limits.Prune(_leases.Holds);
        if (_tenants.Count > 2 * _leases.Count) Prune();
        return Limits.Check(request.Amounts, definition.Limits) is { } limit ? Refuse(limit, limit.Until, RefusalKind.AtLimit) : null;
    }

    /// <summary>The count is saved with a delay. A node that fails may lose the last minute of it.</summary>
    private void CountPost(AccountDefinition definition)
    {
        if (_discord.DailyLimit(definition) is null) return;
        _state.State.Posts.Add(_time.GetUtcNow());
        _save.Schedule();
    }

    private void ReportSuccess()
    {
        // This turn began before the account was disabled.
        if (IsDisabled) return;
        _error = null;
        _timesOutOfCredit = 0;
        _pauses.RecordSuccess();
        _health.ReportOk();
    }

    /// <summary>Disables the account for a while: for one tenant, if its prompt may be the reason, and otherwise for all.</summary>
    private void Disable(AccountDefinition definition, Error error, string? tenantId)
    {
        var isSame = HasSameCredential(_refusedDefinition, definition);
        // Turns that run at the same time are refused for the same reason.
        if (isSame && IsDisabled && _error!.Code == error.Code && error.Until is null) return;
        if (!isSame) _timesOutOfCredit = 0;
        var until = error.Until ?? _time.GetUtcNow() + error.Code switch
        {
            ErrorCode.UpstreamRateLimited => RateLimitPause,
            ErrorCode.UpstreamQuotaExceeded => OutOfCreditPause(_timesOutOfCredit++),
            _ => RefusalPause,
        };
        var isOfTenant = tenantId is not null && TenantPauses.CanPromptCause(error) && _fleet.Outline.Tenants.Count > 1;
        if (isOfTenant && !_pauses.Add(tenantId!, error, until))
        {
            _health.ReportUnavailable(HealthState.Cooling, error, until);
            return;
        }
        (_error, _refusedDefinition, _disabledUntil) = (error, definition, until);
        var isTemporary = error.Until is not null || error.Code is ErrorCode.UpstreamRateLimited or ErrorCode.UpstreamQuotaExceeded;
        _health.ReportUnavailable(isTemporary ? HealthState.Cooling : HealthState.SetAside, error, until);
    }

    private void Prune()
    {
        foreach (var leaseId in _tenants.Keys)
        {
            if (!_leases.Holds(leaseId)) _tenants.Remove(leaseId);
        }
    }

    private static TimeSpan OutOfCreditPause(int doublings)
    {
        var pause = FirstOutOfCreditPause * (1 << Math.Min(doublings, 10));
        return pause < MaxOutOfCreditPause ? pause : MaxOutOfCreditPause;
    }

    private AccountDefinition? ReadDefinition()
    {
        if (_fleet.FindAccount(_work.Key) is not { } definition) return null;
        if (_latest is not null && !HasSameCredential(_latest, definition))
        {
            _leasesOfOldCredential = [.. _leases.Ids];
            _pauses.Clear();
        }
        _latest = definition;
        return definition;
    }

    private static bool HasSameCredential(AccountDefinition? one, AccountDefinition other) => one?.Token == other.Token && one?.OAuth == other.OAuth;

    private static Error RemovedError() => new(ErrorCode.NoBotAvailable, "The account was removed from the fleet.");

    private Refusal Refuse(Error error, DateTimeOffset? until, RefusalKind kind = RefusalKind.Unavailable) =>
        new(_work.Key, error, until) { Kind = kind };
}
