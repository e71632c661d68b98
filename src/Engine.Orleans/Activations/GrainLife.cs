namespace CozeCluster.Engine.Orleans;

/// <summary>The life of an activation: coming to life, background work, being put away. On the activation's scheduler only.</summary>
internal sealed class GrainLife(GrainContext context)
{
    /// <summary>How long cancelled background work may take to end.</summary>
    private static readonly TimeSpan WorkPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long <see cref="IGrainLifecycle.OnDeactivate"/> may take.</summary>
    private static readonly TimeSpan HookPatience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<GrainTimer> _timers = [];
    private Task _started = Task.CompletedTask;
    private TaskCompletionSource? _workEnded;
    private int _background;
    private int _ticks;
    private bool _active;
    private bool _leaving;

    /// <summary>Cancelled when the grain is put away.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Whether the activation has been put away: it may save no more.</summary>
    public bool IsGone { get; private set; }

    /// <summary>
    /// Why the grain could not come to life; null if it did. Orleans keeps a grain whose activation threw for some seconds, and its callers with it: so this one
    /// becomes active, and the first call hears of it.
    /// </summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether it is to be put away once the call that runs has ended.</summary>
    public bool LeavesAfterCall => _leaving || Failure is not null;

    private OrleansSilo Silo => context.Silo;

    public Task StartAsync(CancellationToken cancellationToken) => _started = ActivateAsync();

    /// <summary>Cancels background work and waits for it, tells the grain, and lets its last save end.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        CancelWork();
        await _started;
        await WorkEndedAsync();
        if (Failure is null && context.Activation.GrainInstance is IGrainLifecycle life)
        {
            try
            {
                using var patience = new CancellationTokenSource(HookPatience, Silo.Time);
                await life.OnDeactivate(patience.Token).AsTask().WaitAsync(HookPatience, Silo.Time, CancellationToken.None);
            }
            catch (Exception e)
            {
                Log.DeactivationFailed(Silo.Logger, context.Name, context.Key, e);
            }
        }
        // What the hook may have begun.
        CancelWork();
        await WorkEndedAsync();
        await context.SavedAsync();
        IsGone = true;
    }

    /// <summary>Asks Orleans to put the grain away once running calls are done.</summary>
    public void Leave()
    {
        // Whom it came to life for is still served.
        if (!_active) _leaving = true;
        else context.Activation.Deactivate(new DeactivationReason(DeactivationReasonCode.ApplicationRequested, "The grain asked for it."));
    }

    /// <summary>The same, with background work cancelled at once: this activation's state is out of date.</summary>
    public void LeaveNow()
    {
        _ = Cancel();
        Leave();

        async Task Cancel()
        {
            // Who saves with the token of background work is first to hear that the save was lost.
            await Task.Yield();
            CancelWork();
        }
    }

    public void RunBackground(Func<CancellationToken, Task> work)
    {
        if (_background++ == 0) Silo.Runtime.DelayDeactivation(context.Activation, Timeout.InfiniteTimeSpan);
        _ = Run();

        async Task Run()
        {
            await Task.Yield();
            try
            {
                await work(Stopping);
            }
            catch (OperationCanceledException)
            {
            }
            catch (Exception e)
            {
                Log.BackgroundFailed(Silo.Logger, context.Name, context.Key, e);
            }
            finally
            {
                if (--_background == 0) Silo.Runtime.DelayDeactivation(context.Activation, TimeSpan.Zero);
                WorkEnded();
            }
        }
    }

    public void BeginTick() => _ticks++;

    public void EndTick()
    {
        _ticks--;
        WorkEnded();
    }

    public void Add(GrainTimer timer)
    {
        if (Stopping.IsCancellationRequested) timer.Dispose();
        else _timers.Add(timer);
    }

    public void Remove(GrainTimer timer) => _timers.Remove(timer);

    private async Task ActivateAsync()
    {
        try
        {
            if (!FirstCall.SaysNothingIsStored(context.Activation.GrainId)) await context.LoadAsync();
            if (context.Activation.GrainInstance is IGrainLifecycle life) await life.OnActivate(Stopping);
        }
        catch (Exception e)
        {
            if (e is not (ClusterException or OperationCanceledException)) Log.ActivationFailed(Silo.Logger, context.Name, context.Key, e);
            Failure = global::CozeCluster.Engine.Orleans.Failure.Translate(e);
        }
        _active = true;
    }

    private void WorkEnded()
    {
        if (_background + _ticks == 0) _workEnded?.TrySetResult();
    }

    private async Task WorkEndedAsync()
    {
        if (_background + _ticks == 0) return;
        _workEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _workEnded.Task.WaitAsync(WorkPatience, Silo.Time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            Log.PutAwayEarly(Silo.Logger, context.Name, context.Key, "background work");
        }
    }

    private void CancelWork()
    {
        foreach (var timer in _timers.ToArray()) timer.Dispose();
        if (_stop.IsCancellationRequested) return;
        try
        {
            _stop.Cancel();
        }
        catch (AggregateException e)
        {
            Log.BackgroundFailed(Silo.Logger, context.Name, context.Key, e);
        }
    }
}
