namespace CozeCluster.TestKit;

/// <summary>A clock that only <see cref="Advance"/> moves. Timers fire inside of it, in the order of their due times, each at its due time.</summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now;

    /// <param name="start">The time at the start; null for 2026-01-01 UTC.</param>
    public ManualTime(DateTimeOffset? start = null) => _now = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate) return _now;
    }

    /// <inheritdoc />
    public override long GetTimestamp() => GetUtcNow().Ticks;

    /// <summary>The number of armed timers. A test can wait until the code under test has armed one.</summary>
    public int ArmedTimers
    {
        get { lock (_gate) return _timers.Count; }
    }

    /// <summary>The due time of the next timer; null if no timer is armed. Shows a test which wait the code under test is in.</summary>
    public DateTimeOffset? NextDue
    {
        get { lock (_gate) return _timers.Count == 0 ? null : _timers.Min(timer => timer.Due); }
    }

    /// <summary>Whether a timer is due after exactly <paramref name="delay"/>. Shows a test how long the code under test waits.</summary>
    public bool IsArmed(TimeSpan delay)
    {
        lock (_gate) return _timers.Exists(timer => timer.Due == _now + delay);
    }

    /// <summary>Moves the clock. On the way, it stops at the due time of each timer and fires the timer, also timers that are armed meanwhile.</summary>
    public void Advance(TimeSpan by)
    {
        var target = GetUtcNow() + by;
        while (true)
        {
            ManualTimer? next;
            lock (_gate)
            {
                next = _timers.Where(timer => timer.Due <= target).MinBy(timer => timer.Due);
                if (next is null)
                {
                    _now = target;
                    return;
                }
                if (next.Due > _now) _now = next.Due;
                next.Rearm();
            }
            next.Fire();
        }
    }

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        private TimeSpan _period = Timeout.InfiniteTimeSpan;

        public DateTimeOffset Due { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
                _period = period;
                if (dueTime == Timeout.InfiniteTimeSpan) return true;
                Due = time._now + dueTime;
                time._timers.Add(this);
            }
            return true;
        }

        public void Rearm()
        {
            if (_period == Timeout.InfiniteTimeSpan || _period == TimeSpan.Zero) time._timers.Remove(this);
            else Due += _period;
        }

        public void Fire() => callback(state);

        public void Dispose()
        {
            lock (time._gate) time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
