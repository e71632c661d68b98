using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Engine.Orleans;

/// <summary>
/// What one activation has of the engine, made anew for each. Everything runs on the activation's task scheduler: background work and timers too, which are none of
/// Orleans' requests, so that they interleave, and can be cancelled when the grain is put away.
/// </summary>
internal class GrainContext : IGrainContext
{
    public GrainContext(IGrainContextAccessor accessor, OrleansSilo silo)
    {
        Silo = silo;
        Activation = accessor.GrainContext;
        Scheduler = TaskScheduler.Current;
        Name = Activation.GrainId.Type.ToString()!;
        Key = Activation.GrainId.Key.ToString()!;
        Life = new GrainLife(this);
        Activation.SetComponent(Life);
        Activation.ObservableLifecycle.Subscribe(nameof(GrainLife), GrainLifecycleStage.Activate, Life.StartAsync, Life.StopAsync);
    }

    public string Key { get; }

    public IGrains Grains => Silo.Grains;

    /// <summary>The name of the grain's definition.</summary>
    public string Name { get; }

    public OrleansSilo Silo { get; }

    public global::Orleans.Runtime.IGrainContext Activation { get; }

    public TaskScheduler Scheduler { get; }

    public GrainLife Life { get; }

    public void RunBackground(Func<CancellationToken, Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        Verify();
        Life.RunBackground(work);
    }

    public IDisposable StartTimer(TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        ArgumentNullException.ThrowIfNull(tick);
        ArgumentOutOfRangeException.ThrowIfLessThan(due, TimeSpan.Zero);
        if (period != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        Verify();
        var timer = new GrainTimer(this, due, period, tick);
        Life.Add(timer);
        return timer;
    }

    public Task SetReminder(string name, TimeSpan due, TimeSpan period, CancellationToken cancellationToken = default)
    {
        EngineArguments.CheckReminder(name, due, period);
        return Silo.Reminders.RegisterOrUpdateReminder(Activation.GrainId, name, due, period).WaitAsync(cancellationToken);
    }

    public async Task ClearReminder(string name, CancellationToken cancellationToken = default)
    {
        EngineArguments.CheckReminder(name);
        if (await Silo.Reminders.GetReminder(Activation.GrainId, name).WaitAsync(cancellationToken) is { } reminder)
            await Silo.Reminders.UnregisterReminder(Activation.GrainId, reminder).WaitAsync(cancellationToken);
    }

    public void Deactivate() => Life.Leave();

    /// <summary>Throws unless this is the grain's own code.</summary>
    public void Verify()
    {
        if (TaskScheduler.Current != Scheduler)
            throw new InvalidOperationException("A grain's context may be used on the grain's own scheduler only (no ConfigureAwait(false), no Task.Run).");
    }

    /// <summary>Loads what is stored.</summary>
    public virtual Task LoadAsync() => Task.CompletedTask;

    /// <summary>Completes when no save is on its way.</summary>
    public virtual Task SavedAsync() => Task.CompletedTask;
}

/// <summary>The context of a grain with state.</summary>
internal sealed class GrainContext<TState> : GrainContext, IGrainContext<TState> where TState : class, new()
{
    private readonly DurableState<TState> _state;

    public GrainContext(IGrainContextAccessor accessor, OrleansSilo silo) : base(accessor, silo) =>
        _state = new DurableState<TState>(this, (JsonTypeInfo<TState>)silo.DefinitionOf(Name).StateJson!);

    public IGrainState<TState> State => _state;

    public override Task LoadAsync() => _state.LoadAsync();

    public override Task SavedAsync() => _state.SavedAsync();
}
