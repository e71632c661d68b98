namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Places where a test stops grains, or has them fail. One for all grains of a house.</summary>
public sealed class Hooks
{
    /// <summary>Before a watched grain's state is saved.</summary>
    public Func<Task> BeforeSave { get; set; } = () => Task.CompletedTask;

    /// <summary>When it has been stored, before the grain hears of that.</summary>
    public Func<Task> AfterSave { get; set; } = () => Task.CompletedTask;

    /// <summary>Before a watched grain sets a reminder.</summary>
    public Func<Task> BeforeReminder { get; set; } = () => Task.CompletedTask;

    /// <summary>Before a call that a watched grain lets wait.</summary>
    public Func<Task> BeforeCall { get; set; } = () => Task.CompletedTask;

    /// <summary>The watched grain that came to life last.</summary>
    public IGrainContext? Latest { get; set; }
}

/// <summary>A place that is reached, and stays so until the test lets go.</summary>
public sealed class Stop
{
    private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _go = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Reached => _reached.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public void Go() => _go.TrySetResult();

    public Task Wait()
    {
        _reached.TrySetResult();
        return _go.Task;
    }
}

/// <summary>A grain's context with the test's hooks in it.</summary>
public sealed class WatchedContext<T> : IGrainContext<T>, IGrainState<T> where T : class, new()
{
    private readonly IGrainContext<T> _inner;
    private readonly Hooks _hooks;

    public WatchedContext(IGrainContext<T> inner, Hooks hooks)
    {
        _inner = inner;
        _hooks = hooks;
        hooks.Latest = inner;
    }

    public string Key => _inner.Key;

    public IGrains Grains => _inner.Grains;

    public IGrainState<T> State => this;

    public T Value
    {
        get => _inner.State.Value;
        set => _inner.State.Value = value;
    }

    public bool Exists => _inner.State.Exists;

    public async Task Save(CancellationToken cancellationToken = default)
    {
        await _hooks.BeforeSave();
        await _inner.State.Save(cancellationToken);
        await _hooks.AfterSave();
    }

    public Task Clear(CancellationToken cancellationToken = default) => _inner.State.Clear(cancellationToken);

    public void RunBackground(Func<CancellationToken, Task> work) => _inner.RunBackground(work);

    public IDisposable StartTimer(TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick) => _inner.StartTimer(due, period, tick);

    public async Task SetReminder(string name, TimeSpan due, TimeSpan period, CancellationToken cancellationToken = default)
    {
        await _hooks.BeforeReminder();
        await _inner.SetReminder(name, due, period, cancellationToken);
    }

    public Task ClearReminder(string name, CancellationToken cancellationToken = default) => _inner.ClearReminder(name, cancellationToken);

    public void Deactivate() => _inner.Deactivate();
}
