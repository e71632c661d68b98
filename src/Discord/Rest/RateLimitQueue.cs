namespace CozeCluster.Discord;

/// <summary>
/// The queue of one bucket of one major id: requests pass in the order in which they came, and never more than Discord said it allows. All members are called
/// with the lock of
/// <see cref="RateLimits"/> held.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="gate">The lock.</param>
/// <param name="isOrdered">Whether only one request may be under way, so that requests arrive in order.</param>
internal sealed class RateLimitQueue(TimeProvider time, Lock gate, bool isOrdered) : IDisposable
{
    // Where order does not matter.
    private const int MaxInFlight = 8;

    // Discord rounds its numbers, and clocks tick in steps.
    private static readonly TimeSpan Slack = TimeSpan.FromMilliseconds(50);

    private readonly LinkedList<QueuedRequest> _queued = [];
    private ITimer? _timer;
    private int _inFlight;
    private int _remaining = 1;
    private int? _limit;
    private bool _isKnown;
    private TimeSpan _window;
    private DateTimeOffset? _resetsAt;
    private DateTimeOffset _blockedUntil;

    /// <summary>Whether no request uses the queue.</summary>
    public bool IsIdle => _inFlight == 0 && _queued.Count == 0;

    /// <summary>Whether the queue is idle and what it knows of the limit is out of date, so that it can be removed.</summary>
    public bool IsExpired => IsIdle && !(_resetsAt > time.GetUtcNow()) && _blockedUntil <= time.GetUtcNow();

    /// <summary>Takes a slot at once, or a place in the queue.</summary>
    /// <param name="deadline">When the caller stops waiting.</param>
    /// <param name="queued">The place in the queue; null if the slot was taken at once.</param>
    /// <exception cref="ClusterException">The slot would come after the deadline.</exception>
    public void Enter(DateTimeOffset deadline, out QueuedRequest? queued)
    {
        queued = null;
        if (_queued.Count == 0 && TryTake()) return;
        if (Estimate(_queued.Count) is var at && at > deadline) throw RateLimits.Exceeded(at);
        queued = new QueuedRequest(deadline);
        _queued.AddLast(queued);
        GrantSlots();
    }

    /// <summary>When a request that is made now could be sent, as far as is known.</summary>
    public DateTimeOffset AvailableAt() => Estimate(_queued.Count);

    /// <summary>Leaves the queue.</summary>
    /// <returns>False if the request was no longer queued: its slot had been granted.</returns>
    public bool Leave(QueuedRequest queued) => _queued.Remove(queued);

    /// <summary>Returns a slot.</summary>
    public void Release()
    {
        EndRequest();
        GrantSlots();
    }

    /// <summary>Takes over what a response says about the limit.</summary>
    /// <param name="headers">Its headers.</param>
    /// <param name="isOwn">Whether the request has a slot of this queue; false if it has one of another queue of the same bucket.</param>
    public void Update(RateLimitHeaders headers, bool isOwn = true)
    {
        _isKnown = true;
        if (!headers.IsComplete)
        {
            GrantSlots();
            return;
        }
        var others = isOwn ? _inFlight - 1 : _inFlight;
        var resetsAt = time.GetUtcNow() + headers.ResetAfter!.Value + Slack;
        // Responses overtake each other: within one window only the lowest count is right. A count of a new window does not include the requests that are under
        // way.
        var isSameWindow = _resetsAt is { } known && resetsAt - known < TimeSpan.FromTicks(Math.Max(headers.ResetAfter.Value.Ticks / 4, Slack.Ticks));
        _remaining = isSameWindow && _limit is not null ? Math.Min(_remaining, headers.Remaining!.Value) : Math.Max(0, headers.Remaining!.Value - others);
        _limit = headers.Limit;
        _resetsAt = resetsAt;
        if (headers.ResetAfter.Value > _window) _window = headers.ResetAfter.Value;
        GrantSlots();
    }

    /// <summary>Lets no request pass before <paramref name="until"/>. Queued requests whose deadline is earlier fail at once.</summary>
    public void Block(DateTimeOffset until)
    {
        if (until > _blockedUntil) _blockedUntil = until;
        for (var node = _queued.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Deadline < until)
            {
                _queued.Remove(node);
                node.Value.Fail(RateLimits.Exceeded(until));
            }
            node = next;
        }
        GrantSlots();
    }

    /// <summary>Takes a further request of the window for the owner of a slot, to send again.</summary>
    /// <returns>False if the owner has to wait until <see cref="NextAt"/>.</returns>
    public bool TryTakeAgain()
    {
        EndRequest();
        if (TryTake()) return true;
        _inFlight++;
        return false;
    }

    /// <summary>When the next request may pass; a time that is not in the future means that it waits only for requests under way.</summary>
    public DateTimeOffset NextAt() =>
        _limit is not null && _remaining == 0 && _resetsAt is { } resets && resets > _blockedUntil ? resets : _blockedUntil;

    /// <inheritdoc />
    public void Dispose() => _timer?.Dispose();

    private void EndRequest()
    {
        _inFlight--;
        // No response has described the new window yet: one request is let through, and its response does.
        if (_inFlight == 0 && _remaining == 0 && _resetsAt is null) _remaining = 1;
    }

    private bool TryTake()
    {
        var now = time.GetUtcNow();
        if (_blockedUntil > now) return false;
        if (_inFlight >= (isOrdered || !_isKnown ? 1 : MaxInFlight)) return false;
        if (_limit is { } limit)
        {
            if (_resetsAt <= now)
            {
                // Requests under way may have left in the old window and arrive in the new one.
                _remaining = Math.Max(0, limit - _inFlight);
                _resetsAt = null;
            }
            if (_remaining == 0) return false;
            _remaining--;
        }
        _inFlight++;
        return true;
    }

    private void GrantSlots()
    {
        while (_queued.First is { } first && TryTake())
        {
            _queued.RemoveFirst();
            first.Value.Grant();
        }
        if (_queued.Count == 0) return;
        var wait = NextAt() - time.GetUtcNow();
        if (wait <= TimeSpan.Zero) return;
        _timer ??= time.CreateTimer(static queue => ((RateLimitQueue)queue!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimerWait.RoundUp(wait), Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (gate) GrantSlots();
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

/// <summary>A request in a <see cref="RateLimitQueue"/>.</summary>
/// <param name="deadline">When it stops waiting.</param>
internal sealed class QueuedRequest(DateTimeOffset deadline)
{
    private readonly TaskCompletionSource _slot = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public DateTimeOffset Deadline => deadline;

    /// <summary>Completes when the request has its slot; fails if the slot would come after the deadline.</summary>
    public Task Slot => _slot.Task;

    public void Grant() => _slot.TrySetResult();

    public void Fail(ClusterException error) => _slot.TrySetException(error);
}
