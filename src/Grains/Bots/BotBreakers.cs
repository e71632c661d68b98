namespace CozeCluster.Grains;

/// <summary>
/// The breakers of one bot: one for all turns, and one for each tenant. Failures that a prompt can cause count for its tenant only, so that the prompts of one
/// tenant never stop a bot for another one.
/// </summary>
internal sealed class BotBreakers(TimeProvider time)
{
    private const int MaxTenants = 1_000;

    private readonly Breaker _ofBot = new(time);
    private readonly Dictionary<string, Breaker> _ofTenants = [];
    private readonly Dictionary<string, (string? TenantId, long StartedAt)> _turns = [];
    private long _clock;

    /// <summary>Whether the upstream itself says until when the bot is not available, or why.</summary>
    public bool IsPaused => _ofBot.Cause is not null && _ofBot.OpenUntil > time.GetUtcNow();

    /// <summary>Lets a turn through, or says why not.</summary>
    /// <returns>Null if the turn may begin; <see cref="Leave"/> must follow.</returns>
    public (Error Error, DateTimeOffset Until)? TryEnter(string leaseId, string? tenantId)
    {
        if (!_ofBot.TryEnter(leaseId)) return Refuse(_ofBot);
        if (tenantId is not null && _ofTenants.TryGetValue(tenantId, out var ofTenant) && !ofTenant.TryEnter(leaseId))
        {
            _ofBot.Leave(leaseId);
            return Refuse(ofTenant);
        }
        _turns[leaseId] = (tenantId, ++_clock);
        return null;
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
        var (tenantId, startedAt) = _turns.GetValueOrDefault(leaseId);
        if (Find(error.Code, tenantId) is not { } breaker) return null;
        // A bot that is not published stays so. What does not exist may be the conversation, and not the bot.
        var wasOpen = breaker.OpenUntil > time.GetUtcNow();
        breaker.RecordFailure(leaseId, startedAt, ++_clock, error, isLasting: error.Code == ErrorCode.UpstreamForbidden);
        if (breaker.OpenUntil <= time.GetUtcNow()) return null;
        if (!wasOpen) TurnMetrics.BreakerOpened(ReferenceEquals(breaker, _ofBot) ? "all" : "tenant");
        return breaker.OpenUntil;
    }

    private Breaker? Find(ErrorCode code, string? tenantId)
    {
        if (!CanPromptCause(code)) return _ofBot;
        // Whose turn it was is unknown if another activation granted the lease. Such a failure does not count.
        if (tenantId is null) return null;
        if (_ofTenants.TryGetValue(tenantId, out var known)) return known;
        if (_ofTenants.Count >= MaxTenants) _ofTenants.Clear();
        return _ofTenants[tenantId] = new Breaker(time);
    }

    private static bool CanPromptCause(ErrorCode code) => code is ErrorCode.UpstreamFailed or ErrorCode.UpstreamTimeout or ErrorCode.UpstreamProtocol;

    private static (Error Error, DateTimeOffset Until) Refuse(Breaker breaker) => (
        breaker.Cause is { } cause
            ? SharedErrors.Of(cause)
            : new Error(ErrorCode.NoBotAvailable, "The bot is cooling down after several failures."),
        breaker.NextTurn);
}
