namespace CozeCluster.Grains;

/// <summary>
/// The breakers of one bot: one for all turns, and one for each tenant. No tenant can stop a bot for another one: failures that a prompt can cause count for
/// its tenant only, and all others stop the bot for all only after turns of two tenants have failed. What the upstream itself says of the bot (until when it is
/// not available, or that it is not published) counts at once, because other tenants would be refused as well.
/// </summary>
internal sealed class BotBreakers(TimeProvider time)
{
    private const int MaxTenants = 1_000;

    private readonly Breaker _ofBot = new(time, minTenants: 2);
    private readonly Dictionary<string, Breaker> _ofTenants = [];
    private readonly Dictionary<string, (string? TenantId, long StartedAt)> _turns = [];
    private long _clock;

    /// <summary>Whether the upstream itself says until when the bot is not available, or why.</summary>
    public bool IsPaused => _ofBot.Cause is not null && _ofBot.OpenUntil > time.GetUtcNow();

    /// <summary>Lists the breakers that are not closed.</summary>
    public IReadOnlyList<BreakerState> ListStates() =>
        [.. new[] { _ofBot.StateOf("all") }.Concat(_ofTenants.Values.Select(breaker => breaker.StateOf("tenant"))).OfType<BreakerState>()];

    /// <summary>Why a turn of a tenant may not begin now; null if it may. Changes nothing.</summary>
    public (Error Error, DateTimeOffset Until)? Check(string? tenantId)
    {
        if (!_ofBot.CanEnter()) return Refuse(_ofBot);
        return tenantId is not null && _ofTenants.TryGetValue(tenantId, out var ofTenant) && !ofTenant.CanEnter() ? Refuse(ofTenant) : null;
    }

    /// <summary>Lets a turn through that may begin. <see cref="Leave"/> must follow.</summary>
    public void Enter(string leaseId, string? tenantId)
    {
        _ofBot.Enter(leaseId);
        if (tenantId is not null && _ofTenants.TryGetValue(tenantId, out var ofTenant)) ofTenant.Enter(leaseId);
        _turns[leaseId] = (tenantId, ++_clock);
    }

    /// <summary>The turn has ended, or did not take place.</summary>
    public void Leave(string leaseId)
    {
        _ofBot.Leave(leaseId);
        if (_turns.Remove(leaseId, out var turn) && turn.TenantId is not null && _ofTenants.TryGetValue(turn.TenantId, out var ofTenant))
            ofTenant.Leave(leaseId);
    }

    /// <summary>Forgets turns whose leases have expired.</summary>
    /// <param name="held">Whether a lease is still held.</param>
    public void Prune(Func<string, bool> held)
    {
        foreach (var leaseId in _turns.Keys)
        {
            if (!held(leaseId)) Leave(leaseId);
        }
    }

    /// <summary>The number of turns that have begun and not left.</summary>
    public int Turns => _turns.Count;

    /// <summary>Records that a turn succeeded.</summary>
    public void RecordSuccess(string leaseId)
    {
        var (tenantId, startedAt) = _turns.GetValueOrDefault(leaseId);
        _ofBot.RecordSuccess(leaseId, startedAt);
        if (tenantId is null || !_ofTenants.TryGetValue(tenantId, out var ofTenant)) return;
        ofTenant.RecordSuccess(leaseId, startedAt);
        if (ofTenant.IsIdle) _ofTenants.Remove(tenantId);
    }

    /// <summary>Records that a turn failed because of the bot.</summary>
    /// <returns>Until when no further turns pass, except probes; null if they pass.</returns>
    public DateTimeOffset? RecordFailure(string leaseId, Error error)
    {
        // A bot that is not published stays so. What does not exist may be the conversation, and not the bot.
        var isLasting = error.Code == ErrorCode.UpstreamForbidden;
        // Whose turn it was is unknown if another activation granted the lease. Then only what the upstream says of the bot counts.
        if (!_turns.TryGetValue(leaseId, out var turn) && !isLasting && error.Until is null) return null;
        var (tenant, number) = (turn.TenantId ?? "", ++_clock);
        if (!CanPromptCause(error.Code)) Record(_ofBot, "all");
        // What stops the bot for all need not stop it for one tenant.
        if (OpenUntil(_ofBot) is not null || turn.TenantId is null) return OpenUntil(_ofBot);
        var ofTenant = FindOrAdd(turn.TenantId);
        Record(ofTenant, "tenant");
        return OpenUntil(ofTenant);

        void Record(Breaker breaker, string scope)
        {
            var wasOpen = OpenUntil(breaker) is not null;
            breaker.RecordFailure(leaseId, tenant, turn.StartedAt, number, error, isLasting);
            if (!wasOpen && OpenUntil(breaker) is not null) GuardMetrics.BreakerOpened(scope);
        }
    }

    private DateTimeOffset? OpenUntil(Breaker breaker) => breaker.OpenUntil > time.GetUtcNow() ? breaker.OpenUntil : null;

    private Breaker FindOrAdd(string tenantId)
    {
        if (_ofTenants.TryGetValue(tenantId, out var known)) return known;
        if (_ofTenants.Count >= MaxTenants) _ofTenants.Clear();
        return _ofTenants[tenantId] = new Breaker(time, minTenants: 1);
    }

    private static bool CanPromptCause(ErrorCode code) => code is ErrorCode.UpstreamFailed or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamProtocol;

    private static (Error Error, DateTimeOffset Until) Refuse(Breaker breaker) => (
        breaker.Cause is { } cause
            ? SharedErrors.Of(cause)
            : new Error(ErrorCode.NoBotAvailable, "The bot is cooling down after several failures."),
        breaker.NextTurn);
}
