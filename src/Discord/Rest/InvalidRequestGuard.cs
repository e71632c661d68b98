namespace CozeCluster.Discord;

/// <summary>
/// Stops requests before Discord bans the address: its edge servers ban addresses that received 10,000 responses with status 401, 403 or 429 in ten minutes
/// (Discord's API reference, "Invalid Request Limit"). One guard serves all tokens that share an address, which means a proxy. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="limit">
/// Responses in ten minutes after which requests stop; below 10,000, because requests may be under way and others may share the address.
/// </param>
internal sealed class InvalidRequestGuard(TimeProvider time, int limit = InvalidRequestGuard.DefaultLimit)
{
    /// <summary>9,000.</summary>
    public const int DefaultLimit = 9_000;

    private const int Minutes = 10;

    private readonly Lock _gate = new();
    // Per minute: ten complete minutes and the current one.
    private readonly int[] _counts = new int[Minutes + 1];
    private long _minute;
    private int _total;
    private DateTimeOffset _bannedUntil;

    /// <summary>How many responses count at the moment.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                RemoveOldMinutes();
                return _total;
            }
        }
    }

    /// <summary>Counts a response with status 401, 403 or 429; those of scope <c>shared</c> do not count.</summary>
    public void Add()
    {
        lock (_gate)
        {
            RemoveOldMinutes();
            _counts[_minute % _counts.Length]++;
            _total++;
        }
    }

    /// <summary>Stops requests, because Discord has banned the address.</summary>
    public void Ban(DateTimeOffset until)
    {
        lock (_gate)
        {
            if (until > _bannedUntil) _bannedUntil = until;
        }
    }

    /// <summary>Checks whether a request may be sent. Call it before each request.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamRateLimited"/>: no request may be sent until <see cref="ClusterException.Until"/>.
    /// </exception>
    public void Check()
    {
        lock (_gate)
        {
            if (_bannedUntil > time.GetUtcNow())
            {
                throw new ClusterException(
                    ErrorCode.UpstreamRateLimited, "Discord has banned this address for a while, because of too many rejected requests.", until: _bannedUntil);
            }
            RemoveOldMinutes();
            if (_total < limit) return;
            throw new ClusterException(
                ErrorCode.UpstreamRateLimited,
                $"Discord rejected {_total} requests in ten minutes; no more requests are sent for now, so that Discord does not ban this address.",
                until: AvailableAt());
        }
    }

    private void RemoveOldMinutes()
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

    private DateTimeOffset AvailableAt()
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
