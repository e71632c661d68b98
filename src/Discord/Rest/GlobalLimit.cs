namespace CozeCluster.Discord;

/// <summary>
/// The limit over all routes of a token: a number of requests per second, and the waits of global 429 responses. Requests pass in the order in which they came,
/// except that a global 429 makes all waiting requests queue again. Thread-safe.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="perSecond">Requests per second; 0: no limit.</param>
internal sealed class GlobalLimit(TimeProvider time, int perSecond)
{
    // A little more than a second: requests that leave at even intervals may arrive at uneven ones.
    private static readonly TimeSpan Window = TimeSpan.FromMilliseconds(1_050);

    private readonly Lock _gate = new();
    private readonly SlidingWindow? _window = perSecond > 0 ? new SlidingWindow(perSecond, Window) : null;
    private DateTimeOffset _blockedUntil;

    /// <summary>When the last global 429 ends.</summary>
    public DateTimeOffset BlockedUntil
    {
        get { lock (_gate) return _blockedUntil; }
    }

    /// <summary>Lets no request pass before <paramref name="until"/>.</summary>
    public void Block(DateTimeOffset until)
    {
        lock (_gate)
        {
            if (until > _blockedUntil) _blockedUntil = until;
        }
    }

    /// <summary>Waits until a request may pass.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: that would be after <paramref name="deadline"/>.</exception>
    public async ValueTask Wait(DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var at = Reserve(deadline);
        while (at - time.GetUtcNow() is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(TimerWait.RoundUp(wait), time, cancellationToken).ConfigureAwait(false);
            // Another request may have received a global 429 during the wait.
            if (BlockedUntil > at) at = Reserve(deadline);
        }
    }

    private DateTimeOffset Reserve(DateTimeOffset deadline)
    {
        lock (_gate)
        {
            var at = time.GetUtcNow();
            if (_blockedUntil > at) at = _blockedUntil;
            if (_window is not null) at = _window.NextAt(at);
            if (at > deadline) throw RateLimits.Exceeded(at, isForAllChannels: true);
            _window?.Add(at);
            return at;
        }
    }
}

/// <summary>Allows a number of events in any period of a given length. Not thread-safe.</summary>
/// <param name="count">The number, at least 1.</param>
/// <param name="length">The length of the period.</param>
internal sealed class SlidingWindow(int count, TimeSpan length)
{
    // The times of the last events, as a ring that begins with the oldest at _next.
    private readonly DateTimeOffset[] _times = new DateTimeOffset[count];
    private int _next;

    /// <summary>When the next event is allowed, not before <paramref name="earliest"/>.</summary>
    public DateTimeOffset NextAt(DateTimeOffset earliest) => _times[_next] + length is var at && at > earliest ? at : earliest;

    /// <summary>Counts an event.</summary>
    public void Add(DateTimeOffset at)
    {
        _times[_next] = at;
        _next = (_next + 1) % count;
    }
}

/// <summary>Adapts waits to timers.</summary>
internal static class TimerWait
{
    /// <summary>
    /// Rounds a wait up to whole milliseconds. Timers cut off fractions of a millisecond, so a loop that waits for the rest of a period would spin during its
    /// last fraction.
    /// </summary>
    public static TimeSpan RoundUp(TimeSpan wait) => TimeSpan.FromMilliseconds(Math.Ceiling(wait.TotalMilliseconds));
}
