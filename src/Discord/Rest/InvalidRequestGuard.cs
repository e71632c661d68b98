namespace CozeCluster.Discord;

/// <summary>
/// Stops before an address is banned: Discord's edge shuts out addresses that got 10,000 answers of 401, 403 or 429 in ten minutes (its API reference, "Invalid Request Limit").
/// One for all tokens that share an address, that is a proxy. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="limit">Answers in ten minutes after which nothing more is sent; below 10,000, to leave room for what is under way and for others behind the address.</param>
internal sealed class InvalidRequestGuard(TimeProvider time, int limit = InvalidRequestGuard.DefaultLimit)
{
    /// <summary>9,000.</summary>
    public const int DefaultLimit = 9_000;

    private const int Minutes = 10;

    private readonly Lock _gate = new();
    // Per minute: ten whole ones and the running one.
    private readonly int[] _counts = new int[Minutes + 1];
    private long _minute;
    private int _total;
    private DateTimeOffset _bannedUntil;

    /// <summary>How many are counted now.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                Forget();
                return _total;
            }
        }
    }

    /// <summary>Counts an answer of 401, 403 or 429; not those of scope <c>shared</c>.</summary>
    public void Add()
    {
        lock (_gate)
        {
            Forget();
            _counts[_minute % _counts.Length]++;
            _total++;
        }
    }

    /// <summary>The address is shut out.</summary>
    public void Ban(DateTimeOffset until)
    {
        lock (_gate)
            if (until > _bannedUntil) _bannedUntil = until;
    }

    /// <summary>To be asked before each request.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: nothing may be sent, and until when.</exception>
    public void Check()
    {
        lock (_gate)
        {
            if (_bannedUntil > time.GetUtcNow())
                throw new ClusterException(ErrorCode.UpstreamRateLimited, "Discord shuts out this address for too many refused requests.", until: _bannedUntil);
            Forget();
            if (_total < limit) return;
            throw new ClusterException(
                ErrorCode.UpstreamRateLimited, $"Discord refused {_total} requests in ten minutes; no more are sent, so that it does not ban this address.", until: FreeAt());
        }
    }

    private void Forget()
    {
        var now = time.GetUtcNow().UtcTicks / TimeSpan.TicksPerMinute;
        if (now - _minute > _counts.Length) _minute = now - _counts.Length;
        while (_minute < now)
        {
            _minute++;
            ref var oldest = ref _counts[_minute % _counts.Length];
            _total -= oldest;
            oldest = 0;
        }
    }

    private DateTimeOffset FreeAt()
    {
        var left = _total;
        for (var age = Minutes; age >= 0; age--)
        {
            left -= _counts[(_minute - age) % _counts.Length];
            if (left < limit) return new DateTimeOffset((_minute - age + _counts.Length) * TimeSpan.TicksPerMinute, TimeSpan.Zero);
        }
        return new DateTimeOffset((_minute + _counts.Length) * TimeSpan.TicksPerMinute, TimeSpan.Zero);
    }
}
