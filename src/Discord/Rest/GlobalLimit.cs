namespace CozeCluster.Discord;

/// <summary>The limit over all routes of a token: so many requests in any second, and the waits of global 429s. First come, first served, but that a global 429 has those who wait already queue up anew. Thread-safe.</summary>
/// <param name="time">The clock.</param>
/// <param name="perSecond">0: no limit.</param>
internal sealed class GlobalLimit(TimeProvider time, int perSecond)
{
    // Requests that left evenly may arrive unevenly.
    private static readonly TimeSpan Second = TimeSpan.FromMilliseconds(1_050);

    private readonly Lock _gate = new();
    private readonly SlidingWindow? _window = perSecond > 0 ? new SlidingWindow(perSecond, Second) : null;
    private DateTimeOffset _blockedUntil;

    /// <summary>When a global 429 ends.</summary>
    public DateTimeOffset BlockedUntil
    {
        get { lock (_gate) return _blockedUntil; }
    }

    /// <summary>Lets nobody through before <paramref name="until"/>.</summary>
    public void Block(DateTimeOffset until)
    {
        lock (_gate)
            if (until > _blockedUntil) _blockedUntil = until;
    }

    /// <summary>Waits for a request's turn.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamRateLimited"/>: it would come after <paramref name="deadline"/>.</exception>
    public async ValueTask Wait(DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var at = Reserve(deadline);
        while (at - time.GetUtcNow() is var wait && wait > TimeSpan.Zero)
        {
            await Task.Delay(TimerWait.Of(wait), time, cancellationToken).ConfigureAwait(false);
            // Another request may have run into a 429 meanwhile: all that waited queue up again behind it.
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
            if (at > deadline) throw RateLimits.TooLate(at);
            _window?.Add(at);
            return at;
        }
    }
}
