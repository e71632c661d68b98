using System.Threading.Tasks.Sources;

namespace CozeCluster.Sandbox.Coze;

/// <summary>
/// Waits according to a schedule: each wait ends a given time after the end of the wait before it. A stream that is late catches up,
/// because a real generator does not wait for its reader. There is one waiting caller at a time, and one reusable timer without
/// allocations per wait, so thousands of paced streams cost little.
/// </summary>
internal sealed class Pacer(TimeProvider time) : IValueTaskSource<bool>, IDisposable
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _wait = new() { RunContinuationsAsynchronously = true };
    private ITimer? _timer;
    private long _due = time.GetTimestamp();
    private bool _isWaiting;
    private bool _isStopped;

    /// <summary>Waits until <paramref name="delay"/> after the due time of the last wait. An infinite delay waits for <see cref="Stop"/>.</summary>
    /// <returns>False: the pacer is stopped.</returns>
    public ValueTask<bool> WaitAsync(TimeSpan delay)
    {
        lock (_gate)
        {
            if (_isStopped) return ValueTask.FromResult(false);
            if (delay == TimeSpan.Zero) return ValueTask.FromResult(true);
            if (delay != Timeout.InfiniteTimeSpan)
            {
                _due += (long)(delay.TotalSeconds * time.TimestampFrequency);
                var left = time.GetElapsedTime(time.GetTimestamp(), _due);
                if (left <= TimeSpan.Zero) return ValueTask.FromResult(true);
                _timer ??= time.CreateTimer(
                    static pacer => ((Pacer)pacer!).Complete(shouldContinue: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                BeginWait();
                _timer.Change(left, Timeout.InfiniteTimeSpan);
            }
            else
            {
                BeginWait();
            }
            return new ValueTask<bool>(this, _wait.Version);
        }
    }

    /// <summary>Ends the current wait and all later waits.</summary>
    public void Stop()
    {
        lock (_gate) _isStopped = true;
        Complete(shouldContinue: false);
    }

    public void Dispose() => _timer?.Dispose();

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void BeginWait()
    {
        _wait.Reset();
        _isWaiting = true;
    }

    private void Complete(bool shouldContinue)
    {
        lock (_gate)
        {
            if (!_isWaiting) return;
            _isWaiting = false;
        }
        _wait.SetResult(shouldContinue);
    }
}
