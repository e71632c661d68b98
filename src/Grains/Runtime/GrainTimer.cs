using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Grains;

/// <summary>Timers and reminders of grains.</summary>
internal static class GrainTimers
{
    /// <summary>
    /// Starts a timer. It ends when the grain deactivates, and does not keep the grain active. Ticks interleave with calls and never overlap. A timer without a
    /// period disposes itself.
    /// </summary>
    /// <param name="grain">The grain.</param>
    /// <param name="due">The time to the first tick.</param>
    /// <param name="period">The time from the end of a tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</param>
    /// <param name="tick">The work of a tick. An exception is logged.</param>
    public static IDisposable StartTimer(this IGrainBase grain, TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick) =>
        grain.GrainContext.ActivationServices.GetRequiredService<BackgroundWork>().StartTimer(due, period, tick);

    /// <summary>Removes a reminder if it exists.</summary>
    public static async Task ClearReminder(this IGrainBase grain, string name)
    {
        if (await grain.GetReminder(name) is { } reminder) await grain.UnregisterReminder(reminder);
    }
}

/// <summary>
/// A timer of one activation. A tick runs on the activation's scheduler, interleaves with calls, and never overlaps with another tick. Its token is cancelled
/// when the activation deactivates. A tick of Orleans' own timers is a request; conversations tick once a second, so requests would double the cost of an idle
/// stream.
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
            _timer = time.CreateTimer(static timer => ((GrainTimer)timer!).QueueTick(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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
        if (due == TimeSpan.Zero) QueueTick();
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void QueueTick() => Task.Factory.StartNew(
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
