namespace CozeCluster.Engine.Embedded;

/// <summary>A timer of one activation: ticks on its scheduler, never two at once.</summary>
internal sealed class GrainTimer : IDisposable
{
    private readonly Activation _activation;
    private readonly TimeSpan _period;
    private readonly Func<CancellationToken, Task> _tick;
    private readonly ITimer _timer;
    private volatile bool _disposed;

    public GrainTimer(Activation activation, TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        _activation = activation;
        _period = period;
        _tick = tick;
        _timer = activation.Kind.Engine.Time.CreateTimer(static t => ((GrainTimer)t!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(due);
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
        _activation.Remove(this);
    }

    private void Arm(TimeSpan due)
    {
        if (due == TimeSpan.Zero) Due();
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void Due() => _activation.Scheduler.Post(static t => _ = ((GrainTimer)t!).TickAsync(), this);

    private async Task TickAsync()
    {
        if (_disposed) return;
        _activation.BeginWork();
        try
        {
            await _tick(_activation.Stopping);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Log.TimerFailed(_activation.Kind.Engine.Logger, _activation.Kind.Name, _activation.Key, e);
        }
        finally
        {
            _activation.EndWork(used: false);
        }
        if (_disposed) return;
        if (_period == Timeout.InfiniteTimeSpan) Dispose();
        else Arm(_period);
    }
}
