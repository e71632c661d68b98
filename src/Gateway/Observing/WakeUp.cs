using System.Threading.Tasks.Sources;

namespace CozeCluster.Gateway.Observing;

/// <summary>
/// Lets one waiter sleep until it is woken or a deadline passes, without allocating per wait. A wake-up while nobody waits is kept for the next wait.
/// The waiter goes on on the thread pool, never on the waker's thread: that may be a grain's.
/// </summary>
internal sealed class WakeUp(TimeProvider time) : IValueTaskSource, IThreadPoolWorkItem, IDisposable
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _core;
    private ITimer? _timer;
    private long _deadline;
    private long _timerDue = long.MaxValue;
    private bool _waiting;
    private bool _woken;

    /// <summary>Wakes the waiter.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _woken = true;
                return;
            }
            _waiting = false;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    /// <summary>Waits until woken, or until the clock shows <paramref name="deadline"/>. One waiter at a time.</summary>
    /// <param name="deadline">A timestamp of the time provider.</param>
    public ValueTask Wait(long deadline)
    {
        lock (_gate)
        {
            if (_woken)
            {
                _woken = false;
                return default;
            }
            _core.Reset();
            _waiting = true;
            _deadline = deadline;
            Arm(deadline);
            return new ValueTask(this, _core.Version);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timerDue = long.MinValue;
        }
    }

    void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    // Deadlines move forward with every batch; the timer is left alone until it fires, and then armed again for what is left.
    private void Arm(long deadline)
    {
        if (_timerDue <= deadline) return;
        _timerDue = deadline;
        var due = time.GetElapsedTime(time.GetTimestamp(), deadline);
        if (due < TimeSpan.Zero) due = TimeSpan.Zero;
        // Timers count whole milliseconds and round down: one more, so that the deadline has passed when it fires.
        due += TimeSpan.FromMilliseconds(1);
        if (_timer is null) _timer = time.CreateTimer(static state => ((WakeUp)state!).Fire(), this, due, Timeout.InfiniteTimeSpan);
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void Fire()
    {
        lock (_gate)
        {
            if (_timerDue == long.MinValue) return;
            _timerDue = long.MaxValue;
            if (!_waiting) return;
            if (time.GetTimestamp() < _deadline)
            {
                Arm(_deadline);
                return;
            }
            _waiting = false;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }
}
