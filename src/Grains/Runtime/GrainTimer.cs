namespace CozeCluster.Grains;

/// <summary>
/// A timer of one activation. A tick runs on the activation's scheduler, interleaves with calls, and never overlaps with another one. It is not a request, as a tick of Orleans' own
/// timers is: conversations tick once a second, and requests would double what an idle stream costs. Its token is cancelled when the activation deactivates.
/// </summary>
internal sealed class GrainTimer : IDisposable
{
    private readonly BackgroundWork _work;
    private readonly TimeSpan _period;
    private readonly Func<CancellationToken, Task> _tick;
    private readonly ITimer _timer;
    private volatile bool _isDisposed;

    public GrainTimer(BackgroundWork work, TimeProvider time, TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        _work = work;
        _period = period;
        _tick = tick;
        // The timer outlives the call that starts it, so it must not keep the call's context.
        using (ExecutionContext.IsFlowSuppressed() ? default(IDisposable?) : ExecutionContext.SuppressFlow())
        {
            _timer = time.CreateTimer(static timer => ((GrainTimer)timer!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
        Arm(due);
    }

    public void Dispose()
    {
        _isDisposed = true;
        _timer.Dispose();
        _work.Remove(this);
    }

    private void Arm(TimeSpan due)
    {
        if (due == TimeSpan.Zero) Due();
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void Due() => Task.Factory.StartNew(
        static timer => _ = ((GrainTimer)timer!).Tick(), this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _work.Scheduler);

    private async Task Tick()
    {
        if (_isDisposed) return;
        await _work.RunTick(_tick);
        if (_isDisposed) return;
        if (_period == Timeout.InfiniteTimeSpan) Dispose();
        else Arm(_period);
    }
}
