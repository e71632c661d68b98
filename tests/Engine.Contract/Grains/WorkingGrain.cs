namespace CozeCluster.Engine.Contract;

/// <summary>Works in the background and by timers. What it notes in the probe begins with its key.</summary>
public interface IWorkingGrain : IGrain
{
    /// <summary>Starts background work: notes <c>work</c>, waits for the gate, notes <c>worked</c>; or notes <c>cancelled</c>.</summary>
    [Interleaves]
    Task Start(string gate);

    /// <summary>Starts background work that, once cancelled, waits for the gate before it ends.</summary>
    Task StartStubborn(string gate);

    /// <summary>Starts background work that throws.</summary>
    Task StartFailing();

    /// <summary>Starts background work that counts up so often, giving way each time, in a way that loses counts if two threads are at it.</summary>
    Task StartCounting(int times);

    /// <summary>Counts up likewise, as a call.</summary>
    Task Count(int times);

    /// <summary>How far both counted.</summary>
    [Interleaves]
    Task<int> Counted();

    /// <summary>Starts a timer that notes <c>tick</c>.</summary>
    Task StartTimer(int dueMilliseconds, int periodMilliseconds);

    /// <summary>Starts a timer whose first tick notes <c>tick</c> and throws.</summary>
    Task StartFailingTimer(int dueMilliseconds, int periodMilliseconds);

    /// <summary>Starts a timer whose tick notes <c>tick</c> and waits for the gate.</summary>
    Task StartSlowTimer(int dueMilliseconds, int periodMilliseconds, string gate);

    /// <summary>Disposes the timer started last.</summary>
    Task StopTimer();

    /// <summary>Puts the grain away.</summary>
    Task Deactivate();

    /// <summary>Puts the grain away, then waits for the gate.</summary>
    Task DeactivateAndHold(string gate);

    /// <summary>Holds the turn until the gate opens.</summary>
    Task Hold(string gate);

    /// <summary>Which activation this is, from 1.</summary>
    [Interleaves]
    Task<int> Incarnation();
}

/// <inheritdoc />
public class WorkingGrain(IGrainContext context, Probe probe) : IWorkingGrain, IGrainLifecycle
{
    private IDisposable? _timer;
    private int _incarnation;
    private int _count;

    public ValueTask OnActivate(CancellationToken cancellationToken)
    {
        _incarnation = Note("activated");
        return default;
    }

    public ValueTask OnDeactivate(CancellationToken cancellationToken)
    {
        Note("deactivated");
        return default;
    }

    public Task Start(string gate)
    {
        context.RunBackground(async token =>
        {
            Note("work");
            try
            {
                await probe.Pass(gate, token);
                Note("worked");
            }
            catch (OperationCanceledException)
            {
                Note("cancelled");
                throw;
            }
        });
        return Task.CompletedTask;
    }

    public Task StartStubborn(string gate)
    {
        context.RunBackground(async token =>
        {
            try
            {
                await probe.Pass("never", token);
            }
            catch (OperationCanceledException)
            {
                Note("cancelled");
                await probe.Pass(gate, CancellationToken.None);
                Note(probe.Count(context.Key + " deactivated") == 0 ? "ended before deactivation" : "ended after deactivation");
            }
        });
        return Task.CompletedTask;
    }

    public Task StartFailing()
    {
        context.RunBackground(_ =>
        {
            Note("work");
            throw new InvalidOperationException("Background work fails.");
        });
        return Task.CompletedTask;
    }

    public Task StartCounting(int times)
    {
        context.RunBackground(async _ =>
        {
            await CountUp(times);
            Note("counted");
        });
        return Task.CompletedTask;
    }

    public Task Count(int times) => CountUp(times);

    public Task<int> Counted() => Task.FromResult(_count);

    public Task StartTimer(int dueMilliseconds, int periodMilliseconds) => StartTimer(dueMilliseconds, periodMilliseconds, _ =>
    {
        Note("tick");
        return Task.CompletedTask;
    });

    public Task StartFailingTimer(int dueMilliseconds, int periodMilliseconds) => StartTimer(dueMilliseconds, periodMilliseconds, _ =>
        Note("tick") == 1 ? throw new InvalidOperationException("A tick fails.") : Task.CompletedTask);

    public Task StartSlowTimer(int dueMilliseconds, int periodMilliseconds, string gate) => StartTimer(dueMilliseconds, periodMilliseconds, async token =>
    {
        Note("tick");
        await probe.Pass(gate, token);
        Note("ticked");
    });

    public Task StopTimer()
    {
        _timer?.Dispose();
        return Task.CompletedTask;
    }

    public Task Deactivate()
    {
        context.Deactivate();
        return Task.CompletedTask;
    }

    public Task DeactivateAndHold(string gate)
    {
        context.Deactivate();
        return Hold(gate);
    }

    public async Task Hold(string gate)
    {
        Note("held");
        await probe.Pass(gate);
    }

    public Task<int> Incarnation() => Task.FromResult(_incarnation);

    private int Note(string what) => probe.Note($"{context.Key} {what}");

    private Task StartTimer(int due, int period, Func<CancellationToken, Task> tick)
    {
        _timer = context.StartTimer(
            TimeSpan.FromMilliseconds(due), period < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(period), tick);
        return Task.CompletedTask;
    }

    private async Task CountUp(int times)
    {
        for (var i = 0; i < times; i++)
        {
            var seen = _count;
            Thread.SpinWait(20);
            _count = seen + 1;
            await Task.Yield();
        }
    }
}
