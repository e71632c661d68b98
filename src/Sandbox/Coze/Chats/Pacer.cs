using System.Threading.Tasks.Sources;

namespace CozeCluster.Sandbox.Coze.Chats;

/// <summary>
/// Waits by a schedule, one waiter at a time, on one reusable timer: no allocation per wait, so thousands of paced streams stay cheap.
/// A stream that fell behind catches up, as a generator that does not care about its reader would.
/// </summary>
internal sealed class Pacer(TimeProvider time) : IValueTaskSource<bool>, IDisposable
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _wait = new() { RunContinuationsAsynchronously = true };
    private ITimer? _timer;
    private long _due = time.GetTimestamp();
    private bool _waiting;
    private bool _stopped;

    /// <summary>Waits until <paramref name="gap"/> after the last wait was due; infinite waits for <see cref="Stop"/>. False: stop now.</summary>
    public ValueTask<bool> WaitAsync(TimeSpan gap)
    {
        lock (_gate)
        {
            if (_stopped) return ValueTask.FromResult(false);
            if (gap == TimeSpan.Zero) return ValueTask.FromResult(true);
            if (gap != Timeout.InfiniteTimeSpan)
            {
                _due += (long)(gap.TotalSeconds * time.TimestampFrequency);
                var left = time.GetElapsedTime(time.GetTimestamp(), _due);
                if (left <= TimeSpan.Zero) return ValueTask.FromResult(true);
                _timer ??= time.CreateTimer(static pacer => ((Pacer)pacer!).Complete(goOn: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                Arm();
                _timer.Change(left, Timeout.InfiniteTimeSpan);
            }
            else
            {
                Arm();
            }
            return new ValueTask<bool>(this, _wait.Version);
        }
    }

    /// <summary>Ends this wait and all to come.</summary>
    public void Stop()
    {
        lock (_gate) _stopped = true;
        Complete(goOn: false);
    }

    public void Dispose() => _timer?.Dispose();

    bool IValueTaskSource<bool>.GetResult(short token) => _wait.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Arm()
    {
        _wait.Reset();
        _waiting = true;
    }

    private void Complete(bool goOn)
    {
        lock (_gate)
        {
            if (!_waiting) return;
            _waiting = false;
        }
        _wait.SetResult(goOn);
    }
}
