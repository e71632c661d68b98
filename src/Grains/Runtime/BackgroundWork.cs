using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Runs the background work and timers of one activation. Work runs on the activation's scheduler and interleaves with calls at its awaits. Orleans only counts
/// calls: without this class it would collect an activation that only works in the background, and would not wait for the work when it deactivates the
/// activation. Scoped: each activation has its own instance. Used on the activation's scheduler only.
/// </summary>
public sealed partial class BackgroundWork(IGrainContextAccessor accessor, IGrainRuntime runtime, TimeProvider time, ILogger<BackgroundWork> logger)
    : IDisposable
{
    /// <summary>How long a deactivation waits for cancelled work to end. Orleans waits 30 s for a deactivation.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly IGrainContext _activation = accessor.GrainContext;
    private readonly HashSet<GrainTimer> _timers = [];
    private TaskCompletionSource? _ended;
    private int _running;
    private int _ticks;

    /// <summary>The grain's key.</summary>
    public string Key { get; } = accessor.GrainContext.GrainId.Key.ToString()!;

    /// <summary>Whether the activation has been deactivated. It must not save its state any more.</summary>
    internal bool IsDisposed { get; private set; }

    /// <summary>The activation's scheduler. It runs one task at a time.</summary>
    internal TaskScheduler Scheduler { get; } = TaskScheduler.Current;

    /// <summary>
    /// Starts work. The activation stays active while the work runs. The work's token is cancelled when the activation deactivates. An exception other than
    /// that cancellation is logged; work that has to react to exceptions must catch them itself.
    /// </summary>
    public void Run(Func<CancellationToken, Task> work)
    {
        if (_running++ == 0) runtime.DelayDeactivation(_activation, Timeout.InfiniteTimeSpan);
        _ = RunWork(work);
    }

    /// <summary>Cancels all work and waits until it has ended. Call it first in <c>OnDeactivateAsync</c>.</summary>
    public async Task StopAsync()
    {
        Cancel();
        DisposeTimers();
        if (_running + _ticks == 0) return;
        _ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _ended.Task.WaitAsync(StopTimeout, time);
        }
        catch (TimeoutException)
        {
            LogNotEnded(logger, _activation.GrainId);
        }
    }

    /// <summary>Deactivates the grain as soon as its running calls have ended.</summary>
    public void Deactivate(string reason) => _activation.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, reason));

    /// <summary>Cancels all work and deactivates the grain. Used when the state in memory is out of date.</summary>
    public void CancelAndDeactivate(string reason)
    {
        _ = CancelLater();
        Deactivate(reason);

        async Task CancelLater()
        {
            // The caller's exception, which explains the cancellation, has to reach the work first.
            await Task.Yield();
            Cancel();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        IsDisposed = true;
        DisposeTimers();
        _stop.Dispose();
    }

    /// <summary>See <see cref="GrainTimers.StartTimer"/>.</summary>
    internal IDisposable StartTimer(TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        var timer = new GrainTimer(this, time, due, period, tick);
        if (_stop.IsCancellationRequested) timer.Dispose();
        else _timers.Add(timer);
        return timer;
    }

    internal void Remove(GrainTimer timer) => _timers.Remove(timer);

    internal async Task RunTick(Func<CancellationToken, Task> tick)
    {
        _ticks++;
        await RunAndLog(tick);
        _ticks--;
        SignalEnd();
    }

    private async Task RunWork(Func<CancellationToken, Task> work)
    {
        await Task.Yield();
        await RunAndLog(work);
        if (--_running == 0) runtime.DelayDeactivation(_activation, TimeSpan.Zero);
        SignalEnd();
    }

    private async Task RunAndLog(Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception, _activation.GrainId);
        }
    }

    private void SignalEnd()
    {
        if (_running + _ticks == 0) _ended?.TrySetResult();
    }

    private void DisposeTimers()
    {
        foreach (var timer in _timers.ToArray()) timer.Dispose();
    }

    private void Cancel()
    {
        try
        {
            _stop.Cancel();
        }
        catch (Exception exception) when (exception is AggregateException or ObjectDisposedException)
        {
            LogFailed(logger, exception, _activation.GrainId);
        }
    }

    [LoggerMessage(1010, LogLevel.Error, "Background work or a timer of grain {GrainId} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, GrainId grainId);

    [LoggerMessage(1011, LogLevel.Warning, "Grain {GrainId} is deactivated although its background work did not end in time")]
    private static partial void LogNotEnded(ILogger logger, GrainId grainId);
}
