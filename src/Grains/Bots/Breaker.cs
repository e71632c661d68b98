namespace CozeCluster.Grains;

/// <summary>
/// Keeps turns away from a bot that fails. Opens after <see cref="Threshold"/> failures without a success between them, for two seconds, and for twice as long
/// after each further failure, up to 30 s. Then it lets single turns through, one at a time, as probes; a success closes it.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="minTenants">How many tenants must have had one of these failures, 1 or 2.</param>
/// <remarks>
/// Turns get increasing numbers when they begin. A failure of a turn that had begun before the last failure counted is that same failure: an upstream that
/// fails for a moment fails all turns that run at that moment.
/// </remarks>
internal sealed class Breaker(TimeProvider time, int minTenants)
{
    /// <summary>The number of failures that open the breaker.</summary>
    public const int Threshold = 3;

    private static readonly TimeSpan MinOpenTime = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MaxOpenTime = TimeSpan.FromSeconds(30);

    // While a probe runs for longer than this, another one is let through.
    private static readonly TimeSpan ProbeTime = TimeSpan.FromSeconds(10);

    private int _failures;
    private long _failedAt;
    private string? _failedTurn;
    private string? _failedTenant;
    private bool _haveSeveralFailed;
    private bool _isTripped;
    private (string LeaseId, DateTimeOffset Until)? _probe;

    // The next turn may pass at this time, although the breaker may be open for longer.
    private DateTimeOffset _nextProbe;

    /// <summary>The breaker is open while this time is in the future.</summary>
    public DateTimeOffset OpenUntil { get; private set; }

    /// <summary>The error that opened the breaker at once; null if several failures did.</summary>
    public Error? Cause { get; private set; }

    /// <summary>When a turn may be let through. It may be in the past.</summary>
    public DateTimeOffset NextTurn => _probe is { } probe && probe.Until > _nextProbe ? probe.Until : _nextProbe;

    /// <summary>Whether there is neither a failure nor a pause to remember.</summary>
    public bool IsIdle => _failures == 0 && OpenUntil <= time.GetUtcNow();

    /// <summary>The state of the breaker; null if it is closed.</summary>
    public BreakerState? StateOf(string scope) => IsClosed ? null : new BreakerState(scope, OpenUntil, _isTripped);

    /// <summary>Whether every turn may pass.</summary>
    private bool IsClosed => !_isTripped && OpenUntil <= time.GetUtcNow();

    /// <summary>Whether a turn may pass now.</summary>
    public bool CanEnter() => IsClosed || !(_nextProbe > time.GetUtcNow() || _probe?.Until > time.GetUtcNow());

    /// <summary>
    /// Lets a turn through that may pass. If it is a probe, it must be followed by <see cref="RecordSuccess"/>, <see cref="RecordFailure"/> or
    /// <see cref="Leave"/>.
    /// </summary>
    public void Enter(string leaseId)
    {
        if (!IsClosed) _probe = (leaseId, time.GetUtcNow() + ProbeTime);
    }

    /// <summary>The turn did not take place, or its end says nothing about the bot. Another turn may be the probe.</summary>
    public void Leave(string leaseId)
    {
        if (_probe?.LeaseId == leaseId) _probe = null;
    }

    /// <summary>Records that a turn succeeded. A pause that the upstream has declared since the turn began stays.</summary>
    /// <param name="leaseId">The turn's lease.</param>
    /// <param name="startedAt">The turn's number.</param>
    public void RecordSuccess(string leaseId, long startedAt)
    {
        Leave(leaseId);
        if (Cause is not null && OpenUntil > time.GetUtcNow() && startedAt < _failedAt) return;
        (_failures, Cause, _failedTurn, _failedTenant, _haveSeveralFailed, _isTripped) = (0, null, null, null, false, false);
        _nextProbe = OpenUntil = default;
    }

    /// <summary>Records that a turn failed because of the bot.</summary>
    /// <param name="leaseId">The turn's lease: the turn's id and the number of the attempt. Attempts of one turn count once.</param>
    /// <param name="tenantId">Whose turn it was; empty for a turn of no tenant.</param>
    /// <param name="startedAt">The turn's number; 0 if it is unknown.</param>
    /// <param name="now">The number of the next turn.</param>
    /// <param name="error">The error. One with <see cref="Error.Until"/> opens the breaker until then, with a probe every 30 s.</param>
    /// <param name="isLasting">Whether the next turn would certainly fail as well, so that one failure opens the breaker.</param>
    public void RecordFailure(string leaseId, string tenantId, long startedAt, long now, Error error, bool isLasting)
    {
        Leave(leaseId);
        _haveSeveralFailed |= _failedTenant is not null && _failedTenant != tenantId;
        _failedTenant ??= tenantId;
        var turn = leaseId.LastIndexOf('.') is > 0 and var attempt ? leaseId[..attempt] : leaseId;
        var isKnown = _failures > 0 && (startedAt < _failedAt || turn == _failedTurn);
        if (isKnown && error.Until is null) return;
        _failures = isLasting ? Math.Max(_failures + 1, Threshold) : _failures + 1;
        (_failedAt, _failedTurn) = (now, turn);
        _isTripped |= isLasting || (_failures >= Threshold && (minTenants == 1 || _haveSeveralFailed));
        if (error.Until is { } until) Open(until, error);
        else if (_isTripped) Open(time.GetUtcNow() + OpenTime(_failures - Threshold), isLasting ? error : null);
    }

    private void Open(DateTimeOffset until, Error? cause)
    {
        var latestProbe = time.GetUtcNow() + MaxOpenTime;
        (OpenUntil, Cause, _nextProbe) = (until, cause, until < latestProbe ? until : latestProbe);
    }

    private static TimeSpan OpenTime(int doublings)
    {
        var openTime = MinOpenTime * (1 << Math.Clamp(doublings, 0, 10));
        return openTime < MaxOpenTime ? openTime : MaxOpenTime;
    }
}
