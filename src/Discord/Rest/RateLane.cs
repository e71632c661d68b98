namespace CozeCluster.Discord;

/// <summary>
/// Those who want to use one bucket of one major id: first come, first served, and never more than Discord said it takes. All under the gate of <see cref="RateLimits"/>.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="gate">Guards everything here.</param>
/// <param name="isOrdered">One request at a time, so that they arrive as they were made.</param>
internal sealed class RateLane(TimeProvider time, Lock gate, bool isOrdered) : IDisposable
{
    // Where order does not matter.
    private const int MaxAtOnce = 8;

    // Discord's numbers are rounded, and clocks tick in steps.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    private readonly LinkedList<RateWaiter> _waiters = [];
    private ITimer? _timer;
    private int _inFlight;
    private int _remaining = 1;
    private int? _limit;
    private bool _isLearnt;
    private TimeSpan _window;
    private DateTimeOffset? _resetsAt;
    private DateTimeOffset _blockedUntil;

    /// <summary>Whether nobody uses it and nothing would be forgotten with it.</summary>
    public bool IsIdle => _inFlight == 0 && _waiters.Count == 0;

    /// <summary>Whether what it has learnt is over.</summary>
    public bool IsForgettable => IsIdle && !(_resetsAt > time.GetUtcNow()) && _blockedUntil <= time.GetUtcNow();

    /// <summary>Takes a place at once, or a place in the queue.</summary>
    /// <param name="deadline">How long the caller would wait.</param>
    /// <param name="waiter">Completes when there is a place; null if there is one now.</param>
    /// <exception cref="ClusterException">The place would come too late.</exception>
    public void Enter(DateTimeOffset deadline, out RateWaiter? waiter)
    {
        waiter = null;
        if (_waiters.Count == 0 && TryTake()) return;
        if (Estimate(_waiters.Count) is var at && at > deadline) throw RateLimits.TooLate(at);
        waiter = new RateWaiter(deadline);
        _waiters.AddLast(waiter);
        Pump();
    }

    /// <summary>When a request that is made now could be sent, as far as is known.</summary>
    public DateTimeOffset FreeAt() => Estimate(_waiters.Count);

    /// <summary>Gives up a place in the queue.</summary>
    /// <returns>False if it is no longer in it: the place was granted.</returns>
    public bool Leave(RateWaiter waiter) => _waiters.Remove(waiter);

    /// <summary>The holder of a place is done.</summary>
    public void Exit()
    {
        Leave();
        Pump();
    }

    /// <summary>Takes in what an answer said.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="isOwn">Whether the request holds a place here; false if it held one in another lane of the same bucket.</param>
    public void Learn(RateHeaders headers, bool isOwn = true)
    {
        _isLearnt = true;
        if (!headers.IsLimit)
        {
            Pump();
            return;
        }
        var others = isOwn ? _inFlight - 1 : _inFlight;
        var resetsAt = time.GetUtcNow() + headers.ResetAfter!.Value + Slack;
        // Answers overtake each other: within one window only the lowest count is true; in a new one, those under way are not in it yet.
        var isSameWindow = _resetsAt is { } known && resetsAt - known < TimeSpan.FromTicks(Math.Max(headers.ResetAfter.Value.Ticks / 4, Slack.Ticks));
        _remaining = isSameWindow && _limit is not null ? Math.Min(_remaining, headers.Remaining!.Value) : Math.Max(0, headers.Remaining!.Value - others);
        _limit = headers.Limit;
        _resetsAt = resetsAt;
        if (headers.ResetAfter.Value > _window) _window = headers.ResetAfter.Value;
        Pump();
    }

    /// <summary>Lets nobody through before <paramref name="until"/>.</summary>
    public void Block(DateTimeOffset until)
    {
        if (until > _blockedUntil) _blockedUntil = until;
        for (var node = _waiters.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Deadline < until)
            {
                _waiters.Remove(node);
                node.Value.Refuse(RateLimits.TooLate(until));
            }
            node = next;
        }
        Pump();
    }

    /// <summary>For a holder that sends again: takes another request of the window if there is one.</summary>
    /// <returns>False if it has to wait until <see cref="NextAt"/>.</returns>
    public bool TryTakeAgain()
    {
        Leave();
        if (TryTake()) return true;
        _inFlight++;
        return false;
    }

    /// <summary>When the next request can be let through; now or earlier if it is only a matter of those under way.</summary>
    public DateTimeOffset NextAt() =>
        _limit is not null && _remaining == 0 && _resetsAt is { } resets && resets > _blockedUntil ? resets : _blockedUntil;

    /// <inheritdoc />
    public void Dispose() => _timer?.Dispose();

    private void Leave()
    {
        _inFlight--;
        // A new window of which no answer told anything: ask again with one.
        if (_inFlight == 0 && _remaining == 0 && _resetsAt is null) _remaining = 1;
    }

    private bool TryTake()
    {
        var now = time.GetUtcNow();
        if (_blockedUntil > now) return false;
        if (_inFlight >= (isOrdered || !_isLearnt ? 1 : MaxAtOnce)) return false;
        if (_limit is { } limit)
        {
            if (_resetsAt <= now)
            {
                // Those under way may have left in the old window and arrive in the new one.
                _remaining = Math.Max(0, limit - _inFlight);
                _resetsAt = null;
            }
            if (_remaining == 0) return false;
            _remaining--;
        }
        _inFlight++;
        return true;
    }

    private void Pump()
    {
        while (_waiters.First is { } first && TryTake())
        {
            _waiters.RemoveFirst();
            first.Value.Grant();
        }
        if (_waiters.Count == 0) return;
        var wait = NextAt() - time.GetUtcNow();
        if (wait <= TimeSpan.Zero) return;
        _timer ??= time.CreateTimer(static lane => ((RateLane)lane!).Wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimerWait.Of(wait), Timeout.InfiniteTimeSpan);
    }

    private void Wake()
    {
        lock (gate) Pump();
    }

    private DateTimeOffset Estimate(int ahead)
    {
        var now = time.GetUtcNow();
        var next = NextAt() is var at && at > now ? at : now;
        if (_limit is not { } limit) return next;
        var left = _resetsAt <= now ? limit : _remaining;
        if (ahead < left) return next;
        var resets = _resetsAt is { } known && known > now ? known : now + _window;
        if (resets < _blockedUntil) resets = _blockedUntil;
        return resets + _window * ((ahead - left) / limit);
    }
}

/// <summary>Somebody in the queue of a <see cref="RateLane"/>.</summary>
/// <param name="deadline">How long it waits.</param>
internal sealed class RateWaiter(DateTimeOffset deadline)
{
    private readonly TaskCompletionSource _place = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DateTimeOffset Deadline => deadline;

    /// <summary>Completes with the place; fails if it would come too late.</summary>
    public Task Place => _place.Task;

    public void Grant() => _place.TrySetResult();

    public void Refuse(ClusterException why) => _place.TrySetException(why);
}
