using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Long work and timers of one activation. Work runs on the activation's scheduler and interleaves with calls at its awaits. Orleans counts only calls: left to itself it would collect an
/// activation that merely works in the background, and would not wait for the work when it deactivates. Scoped: each activation has one. Used on the activation's scheduler only.
/// </summary>
public sealed partial class BackgroundWork(IGrainContextAccessor accessor, IGrainRuntime runtime, TimeProvider time, ILogger<BackgroundWork> logger) : IDisposable
{
    /// <summary>How long cancelled work may take to end before the activation is deactivated without it. Orleans itself waits 30 s for a deactivation.</summary>
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(10);

    private readonly CancellationTokenSource _stop = new();
    private readonly IGrainContext _activation = accessor.GrainContext;
    private readonly HashSet<GrainTimer> _timers = [];
    private TaskCompletionSource? _ended;
    private int _running;
    private int _ticks;

    /// <summary>The grain's key.</summary>
    public string Key { get; } = accessor.GrainContext.GrainId.Key.ToString()!;

    /// <summary>Whether the activation has been deactivated: it may save no more.</summary>
    internal bool IsGone { get; private set; }

    /// <summary>Runs the activation's code, one turn at a time.</summary>
    internal TaskScheduler Scheduler { get; } = TaskScheduler.Current;

    /// <summary>
    /// Starts work. The activation stays active while it runs; its token is cancelled when the activation deactivates. An exception other than cancellation is logged: work that
    /// has to react to one catches it.
    /// </summary>
    public void Run(Func<CancellationToken, Task> work)
    {
        if (_running++ == 0) runtime.DelayDeactivation(_activation, Timeout.InfiniteTimeSpan);
        _ = RunAsync(work);
    }

    /// <summary>Cancels all work and waits until it has ended. To be called first in <c>OnDeactivateAsync</c>.</summary>
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

    /// <summary>Deactivates the grain as soon as the calls that run have ended.</summary>
    public void Deactivate(string reason) => _activation.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, reason));

    /// <summary>Cancels all work and deactivates the grain: what this activation knows is out of date.</summary>
    public void Abandon(string reason)
    {
        _ = CancelLater();
        Deactivate(reason);

        async Task CancelLater()
        {
            // The caller learns first why its work is cancelled.
            await Task.Yield();
            Cancel();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        IsGone = true;
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
        try
        {
            await tick(_stop.Token);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception, _activation.GrainId);
        }
        finally
        {
            _ticks--;
            if (_running + _ticks == 0) _ended?.TrySetResult();
        }
    }

    private async Task RunAsync(Func<CancellationToken, Task> work)
    {
        await Task.Yield();
        try
        {
            await work(_stop.Token);
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception exception)
        {
            LogFailed(logger, exception, _activation.GrainId);
        }
        finally
        {
            if (--_running == 0) runtime.DelayDeactivation(_activation, TimeSpan.Zero);
            if (_running + _ticks == 0) _ended?.TrySetResult();
        }
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

    [LoggerMessage(1010, LogLevel.Error, "Background work or a timer of {Grain} failed")]
    private static partial void LogFailed(ILogger logger, Exception exception, GrainId grain);

    [LoggerMessage(1011, LogLevel.Warning, "{Grain} is deactivated although its background work has not ended in time")]
    private static partial void LogNotEnded(ILogger logger, GrainId grain);
}
