using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>What an account stores.</summary>
public sealed class AccountState
{
    /// <summary>What it posted to Discord today.</summary>
    public DailyPosts Posts { get; set; } = new();
}

/// <summary>Leases turns on one account and sets it aside for a while when the far side says so.</summary>
[GrainType("account"), PreferLocalPlacement, CollectionAgeLimit(Hours = 1)]
public sealed class AccountGrain(
    [PersistentState("account")] IPersistentState<AccountState> state, BackgroundWork work, IGrainFactory grains, IDiscordPosting discord, TimeProvider time, ILogger<AccountGrain> logger)
    : Grain, IAccountGrain
{
    private static readonly TimeSpan SaveAfter = TimeSpan.FromMinutes(1);

    // How long an account rests where the far side does not say until when.
    private static readonly TimeSpan RateLimited = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan OutOfCredit = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan Refused = TimeSpan.FromMinutes(1);

    private readonly LeaseBook _leases = new(time, LeaseRequest.Lifetime);
    private readonly Declared<AccountDefinition> _definition =
        new(time, () => grains.Grain<ICatalogGrain>(GrainKeys.Catalog).FindAccount(work.Key));

    private readonly HealthReporter _health = new(work, grains, HealthKind.Account, time, logger);
    private readonly StateSaver<AccountState> _saver = new(state, work);
    private AccountDefinition? _known;

    // Leases granted before the credential changed.
    private HashSet<string> _ofOldCredential = [];
    private IDisposable? _saving;
    private AccountDefinition? _setAside;
    private Error? _why;
    private DateTimeOffset _coolingUntil;

    /// <inheritdoc />
    public async Task<AccountLeaseResult> Acquire(string leaseId)
    {
        var definition = await Definition();
        if (definition is null) return Refuse(new Error(ErrorCode.NoBotAvailable, "The account was removed from the fleet."), time.GetUtcNow() + Refused);

        // A changed definition (a new token, say) deserves a new try.
        if (_why is not null && _coolingUntil > time.GetUtcNow() && HasSameCredential(_setAside, definition)) return Refuse(_why, _coolingUntil);
        if (!_leases.Holds(leaseId) && state.State.Posts.LimitOf(definition, discord, time.GetUtcNow()) is { } limit) return Refuse(limit, limit.Until);
        if (!_leases.Holds(leaseId) && _leases.Count >= definition.MaxConcurrentTurns)
        {
            return Refuse(new Error(ErrorCode.NoBotAvailable, "The account is running as many turns as it may."), null);
        }
        _leases.Take(leaseId);
        return new AccountLeaseResult(definition, null);
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
        var definition = await Definition() ?? throw new ClusterException(ErrorCode.NoBotAvailable, "The account was removed from the fleet.");
        try
        {
            var posted = await discord.Post(definition, post, cancellationToken);
            Count(definition);
            return posted;
        }
        catch (ClusterException exception) when (exception.Info.RecoveryAction == RecoveryAction.RotateAccount)
        {
            SetAside(definition, exception.ToError());
            throw;
        }
    }

    /// <inheritdoc />
    public async Task Return(string leaseId, LeaseOutcome outcome)
    {
        // While the lease is held: if the credential has changed, it is among those of the old one.
        AccountDefinition? definition = null;
        bool isHeld, isOld;
        try
        {
            if (outcome.Error is { RecoveryAction: RecoveryAction.RotateAccount }) definition = await Definition();
        }
        finally
        {
            isHeld = _leases.Return(leaseId);
            // How a turn ended that ran on another credential says nothing about this one.
            isOld = _ofOldCredential.Remove(leaseId);
        }
        if (!isHeld) return;
        if (outcome.Error is not { } error) Worked();
        else if (definition is not null && !isOld) SetAside(definition, error);
    }

    /// <inheritdoc />
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await work.StopAsync();
        if (_saving is not null) await Save();
    }

    /// <summary>The count is saved now and then: the last minute of it may be lost with a node.</summary>
    private void Count(AccountDefinition definition)
    {
        if (discord.DailyLimit(definition) is null) return;
        state.State.Posts.Add(time.GetUtcNow());
        _saving ??= this.StartTimer(SaveAfter, Timeout.InfiniteTimeSpan, _ => Save());
    }

    private Task Save()
    {
        _saving?.Dispose();
        _saving = null;
        return _saver.Save();
    }

    private void Worked()
    {
        // A turn that began before the account was set aside says nothing about it.
        if (_why is not null && _coolingUntil > time.GetUtcNow()) return;
        _why = null;
        _health.Ok();
    }

    private void SetAside(AccountDefinition definition, Error error)
    {
        _why = error;
        _coolingUntil = error.Until ?? time.GetUtcNow() + error.Code switch
        {
            ErrorCode.UpstreamRateLimited => RateLimited,
            ErrorCode.UpstreamQuotaExceeded => OutOfCredit,
            _ => Refused,
        };
        _setAside = definition;
        var passes = error.Until is not null || error.Code is ErrorCode.UpstreamRateLimited or ErrorCode.UpstreamQuotaExceeded;
        _health.Not(passes ? HealthState.Cooling : HealthState.SetAside, error, _coolingUntil);
    }

    private async ValueTask<AccountDefinition?> Definition()
    {
        var definition = await _definition.Get();
        if (definition is null) return null;
        if (_known is not null && !HasSameCredential(_known, definition)) _ofOldCredential = [.. _leases.Ids];
        _known = definition;
        return definition;
    }

    private static bool HasSameCredential(AccountDefinition? one, AccountDefinition other) => one?.Token == other.Token && one?.OAuth == other.OAuth;

    private AccountLeaseResult Refuse(Error error, DateTimeOffset? until) => new(null, new Refusal(work.Key, error, until));
}
