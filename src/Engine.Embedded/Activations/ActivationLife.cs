namespace CozeCluster.Engine.Embedded;

// The life of an activation: coming to life, background work, being put away.
internal sealed partial class Activation
{
    /// <summary>How long calls that run may take when the grain is to leave.</summary>
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(30);

    /// <summary>How long cancelled background work may take to end.</summary>
    private static readonly TimeSpan WorkPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long <see cref="IGrainLifecycle.OnDeactivate"/> may take.</summary>
    private static readonly TimeSpan HookPatience = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private HashSet<GrainTimer>? _timers;
    private GrainContext? _context;
    private ITimer? _callPatience;
    private TaskCompletionSource? _gone;

    // Background work and timer ticks that run. Changed on the scheduler only; the sweep looks at the count.
    private volatile int _work;
    private TaskCompletionSource? _workEnded;
    private bool _workGivenUp;

    /// <summary>Cancelled when the grain is put away.</summary>
    public CancellationToken Stopping => _stop.Token;

    /// <summary>Whether this activation has been put away: it may save no more.</summary>
    public bool IsGone
    {
        get { lock (_gate) return _phase == Phase.Gone; }
    }

    private bool HasWork => _work > 0 || _context is { IsSaving: true };

    /// <summary>Starts background work; on the scheduler.</summary>
    public void RunBackground(Func<CancellationToken, Task> work)
    {
        BeginWork();
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
                Log.BackgroundFailed(kind.Engine.Logger, kind.Name, key, e);
            }
            finally
            {
                EndWork(used: true);
            }
        }
    }

    public void BeginWork() => _work++;

    /// <param name="used">Whether it counts as use of the grain: ticks of timers do not.</param>
    public void EndWork(bool used)
    {
        if (used)
        {
            lock (_gate) _lastUsed = kind.Engine.Time.GetTimestamp();
        }
        if (--_work == 0) _workEnded?.TrySetResult();
    }

    public void Add(GrainTimer timer)
    {
        if (Stopping.IsCancellationRequested) timer.Dispose();
        else (_timers ??= []).Add(timer);
    }

    public void Remove(GrainTimer timer) => _timers?.Remove(timer);

    /// <summary>Completes when the activation is gone.</summary>
    public Task WhenGone()
    {
        lock (_gate)
        {
            if (_phase == Phase.Gone) return Task.CompletedTask;
            return (_gone ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private void Activate()
    {
        _phase = Phase.Activating;
        Scheduler.Post(static a => _ = ((Activation)a!).ActivateAsync(), this);
    }

    private async Task ActivateAsync()
    {
        try
        {
            _context = kind.CreateContext(this);
            Grain = kind.CreateGrain(_context);
            if (Grain is IGrainLifecycle life) await life.OnActivate(Stopping);
        }
        catch (Exception e)
        {
            await FailAsync(e);
            return;
        }
        lock (_gate)
        {
            _phase = Phase.Active;
            _lastUsed = kind.Engine.Time.GetTimestamp();
            var waiting = _waiting;
            _waiting = null;
            while (waiting is not null && waiting.TryDequeue(out var call))
            {
                if (MayBegin(call)) Begin(call);
                else (_waiting ??= new()).Enqueue(call);
            }
            CloseIfDue();
        }
    }

    private async Task FailAsync(Exception error)
    {
        Queue<Call>? waiting;
        lock (_gate)
        {
            _phase = Phase.Closing;
            waiting = _waiting;
            _waiting = null;
        }
        if (error is not (ClusterException or OperationCanceledException)) Log.ActivationFailed(kind.Engine.Logger, kind.Name, key, error);
        error = Failure.Translate(error, kind.Engine);
        while (waiting is not null && waiting.TryDequeue(out var call)) call.Fail(error);
        await PutAwayAsync();
    }

    private async Task CloseAsync()
    {
        CancelWork();
        await WorkEnded();
        if (Grain is IGrainLifecycle life)
        {
            try
            {
                using var patience = new CancellationTokenSource(HookPatience, kind.Engine.Time);
                await life.OnDeactivate(patience.Token).AsTask().WaitAsync(HookPatience, kind.Engine.Time, CancellationToken.None);
            }
            catch (Exception e)
            {
                Log.DeactivationFailed(kind.Engine.Logger, kind.Name, key, e);
            }
        }
        await PutAwayAsync();
    }

    private async Task PutAwayAsync()
    {
        CancelWork();
        await WorkEnded();
        if (_context is not null) await _context.Saved();
        lock (_gate)
        {
            _phase = Phase.Gone;
            _callPatience?.Dispose();
            // Calls find either this activation or its successor, so that none is lost and none overtakes.
            if (_waiting is { Count: > 0 }) SucceedBy(new Activation(kind, key) { _waiting = _waiting });
            else kind.Activations.TryRemove(KeyValuePair.Create(key, this));
            _gone?.TrySetResult();
        }
    }

    private void SucceedBy(Activation successor)
    {
        kind.Activations[key] = successor;
        lock (successor._gate) successor.Activate();
    }

    private void CancelWork()
    {
        if (_stop.IsCancellationRequested) return;
        if (_timers is not null)
        {
            foreach (var timer in _timers.ToArray()) timer.Dispose();
        }
        try
        {
            _stop.Cancel();
        }
        catch (AggregateException e)
        {
            Log.BackgroundFailed(kind.Engine.Logger, kind.Name, key, e);
        }
    }

    private async Task WorkEnded()
    {
        if (_work == 0 || _workGivenUp) return;
        _workEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await _workEnded.Task.WaitAsync(WorkPatience, kind.Engine.Time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            _workGivenUp = true;
            Log.PutAwayEarly(kind.Engine.Logger, kind.Name, key, "background work");
        }
    }

    private void GiveRunningCallsTime() => _callPatience ??= kind.Engine.Time.CreateTimer(static a => ((Activation)a!).StopWaitingForCalls(), this, CallPatience, Timeout.InfiniteTimeSpan);

    private void StopWaitingForCalls()
    {
        lock (_gate)
        {
            if (_phase != Phase.Active || _running == 0) return;
            Log.PutAwayEarly(kind.Engine.Logger, kind.Name, key, "a call");
            Close();
        }
    }
}
