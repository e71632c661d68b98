namespace CozeCluster.Engine.Orleans;

/// <summary>A timer of one activation: ticks on its scheduler, never two at once.</summary>
internal sealed class GrainTimer : IDisposable
{
    private readonly GrainContext _context;
    private readonly TimeSpan _period;
    private readonly Func<CancellationToken, Task> _tick;
    private readonly ITimer _timer;
    private volatile bool _disposed;

    public GrainTimer(GrainContext context, TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        _context = context;
        _period = period;
        _tick = tick;
        _timer = context.Silo.Time.CreateTimer(static timer => ((GrainTimer)timer!).Due(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        Arm(due);
    }

    public void Dispose()
    {
        _disposed = true;
        _timer.Dispose();
        _context.Life.Remove(this);
    }

    private void Arm(TimeSpan due)
    {
        if (due == TimeSpan.Zero) Due();
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void Due() => Task.Factory.StartNew(
        static timer => _ = ((GrainTimer)timer!).TickAsync(), this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, _context.Scheduler);

    private async Task TickAsync()
    {
        if (_disposed) return;
        _context.Life.BeginTick();
        try
        {
            await _tick(_context.Life.Stopping);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            Log.TimerFailed(_context.Silo.Logger, _context.Name, _context.Key, e);
        }
        finally
        {
            _context.Life.EndTick();
        }
        if (_disposed) return;
        if (_period == Timeout.InfiniteTimeSpan) Dispose();
        else Arm(_period);
    }
}
