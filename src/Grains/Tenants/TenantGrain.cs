using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Counts a tenant's turns, and enforces its limits and those of its keys that are counted in memory.</summary>
[GrainType("tenant"), ActivationCountBasedPlacement]
public sealed class TenantGrain : Grain, ITenantGrain
{
    private static readonly LimitsDefinition NoLimits = new();
    private static readonly TimeSpan ForgetAfter = TimeSpan.FromHours(1);

    private readonly TimeProvider _time;
    private readonly IFleetView _fleet;
    private readonly RateLimiter _tenant;
    private readonly Dictionary<string, RateLimiter> _keys = [];

    /// <summary>Turns that were admitted under limits and have not been settled.</summary>
    private readonly Dictionary<string, Admitted> _admitted = [];

    private long _sweptAt;

    /// <summary>Called by Orleans.</summary>
    public TenantGrain(IFleetView fleet, TimeProvider time)
    {
        _time = time;
        _fleet = fleet;
        _tenant = new RateLimiter(time, "This tenant");
        _sweptAt = time.GetTimestamp();
    }

    private string TenantId => this.GetPrimaryKeyString();

    /// <inheritdoc />
    public async Task<Error?> Admit(string turnId)
    {
        if (await Find() is not { } definition) return Removed();
        if (_tenant.Check(turnId, 0, NoLimits, definition.MaxConcurrentTurns) is { } refusal) return Report(refusal);
        _tenant.Renew(turnId);
        return null;
    }

    /// <inheritdoc />
    public async Task<Admission> AdmitWithin(TurnTerms terms)
    {
        if (await Find() is not { } definition) return new Admission(Removed(), null);
        var (limits, keyLimits, key) = LimitsOf(definition, terms.KeyName);
        if (_admitted.ContainsKey(terms.TurnId))
        {
            Take(terms.TurnId);
            return new Admission(null, StatusOf(limits, keyLimits, key));
        }
        if (Check(definition, terms) is { } refusal) return new Admission(Report(refusal), StatusOf(limits, keyLimits, key));
        Sweep();
        var second = _tenant.Count(terms.TurnId, terms.Tokens);
        _admitted[terms.TurnId] = new Admitted(key, terms.Tokens, second, key?.Count(terms.TurnId, terms.Tokens) ?? 0, _time.GetTimestamp());
        return new Admission(null, StatusOf(limits, keyLimits, key));
    }

    /// <inheritdoc />
    public async Task<Admission> Explain(TurnTerms terms)
    {
        if (await Find() is not { } definition) return new Admission(Removed(), null);
        var (limits, keyLimits, key) = LimitsOf(definition, terms.KeyName);
        return new Admission(Check(definition, terms), StatusOf(limits, keyLimits, key));
    }

    /// <inheritdoc />
    public Task Renew(string turnId)
    {
        Take(turnId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Settle(string turnId, Usage? usage)
    {
        if (_admitted.Remove(turnId, out var admitted))
        {
            var difference = (usage?.TotalTokens ?? 0) - admitted.Tokens;
            _tenant.Settle(turnId, admitted.Second, difference);
            admitted.Key?.Settle(turnId, admitted.KeySecond, difference);
        }
        else
        {
            _tenant.Settle(turnId, 0, 0);
        }
        return Task.CompletedTask;
    }

    private (LimitsDefinition Limits, LimitsDefinition? KeyLimits, RateLimiter? Key) LimitsOf(TenantDefinition definition, string? keyName)
    {
        var keyLimits = keyName is null ? null : _fleet.FindKeyLimits(TenantId, keyName);
        return (definition.Limits ?? NoLimits, keyLimits, keyLimits is null ? null : KeyOf(keyName!));
    }

    /// <summary>Why a turn is not admitted; null if it is. Counts nothing.</summary>
    private Error? Check(TenantDefinition definition, TurnTerms terms)
    {
        var (limits, keyLimits, key) = LimitsOf(definition, terms.KeyName);
        return _tenant.Check(terms.TurnId, terms.Tokens, limits, definition.MaxConcurrentTurns)
            ?? key?.Check(terms.TurnId, terms.Tokens, keyLimits!, keyLimits!.MaxConcurrentTurns);
    }

    private Error Report(Error refusal)
    {
        GuardMetrics.LimitReached("tenant", TenantId, _time);
        return refusal;
    }

    private RateStatus? StatusOf(LimitsDefinition limits, LimitsDefinition? keyLimits, RateLimiter? key) => limits.HasRates() || keyLimits?.HasRates() == true
        ? Tighter(_tenant.StatusOf(limits), key?.StatusOf(keyLimits!))
        : null;

    private async ValueTask<TenantDefinition?> Find()
    {
        var tenantId = TenantId;
        return await _fleet.FindCurrent(view => view.FindTenant(tenantId));
    }

    private static Error Removed() => new(ErrorCode.PermissionDenied, "This tenant no longer exists.");

    private RateLimiter KeyOf(string name)
    {
        if (!_keys.TryGetValue(name, out var key)) _keys[name] = key = new RateLimiter(_time, "This API key");
        return key;
    }

    private void Take(string turnId)
    {
        _tenant.Renew(turnId);
        if (!_admitted.TryGetValue(turnId, out var admitted)) return;
        admitted.Key?.Renew(turnId);
        _admitted[turnId] = admitted with { SeenAt = _time.GetTimestamp() };
    }

    /// <summary>Forgets turns that nobody renews: their node has failed, and nobody settles them.</summary>
    private void Sweep()
    {
        if (_time.GetElapsedTime(_sweptAt) < ForgetAfter) return;
        _sweptAt = _time.GetTimestamp();
        foreach (var (id, admitted) in _admitted)
        {
            if (_time.GetElapsedTime(admitted.SeenAt) >= ForgetAfter) _admitted.Remove(id);
        }
    }

    private static RateStatus Tighter(RateStatus tenant, RateStatus? key) =>
        key is null ? tenant : new RateStatus(Tighter(tenant.Requests, key.Requests), Tighter(tenant.Tokens, key.Tokens));

    private static RateLeft? Tighter(RateLeft? one, RateLeft? other) =>
        one is null || other is null ? one ?? other : one.Remaining <= other.Remaining ? one : other;

    /// <summary>A turn that was admitted under limits.</summary>
    /// <param name="Key">The limits of its key; null if the key has none.</param>
    /// <param name="Tokens">The tokens that are counted for it.</param>
    /// <param name="Second">See <see cref="RateLimiter.Count"/>.</param>
    /// <param name="KeySecond">The same of the key.</param>
    /// <param name="SeenAt">When it was last renewed.</param>
    private sealed record Admitted(RateLimiter? Key, long Tokens, long Second, long KeySecond, long SeenAt);
}
