using System.Text.Json.Serialization.Metadata;

namespace CozeCluster.Engine.Embedded;

/// <summary>What a grain has of the engine.</summary>
internal class GrainContext(Activation activation) : IGrainContext
{
    public string Key => activation.Key;

    public IGrains Grains => activation.Kind.Engine;

    /// <summary>Whether a save is on its way.</summary>
    public virtual bool IsSaving => false;

    protected Activation Activation => activation;

    public void RunBackground(Func<CancellationToken, Task> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        activation.Scheduler.Verify();
        activation.RunBackground(work);
    }

    public IDisposable StartTimer(TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick)
    {
        ArgumentNullException.ThrowIfNull(tick);
        ArgumentOutOfRangeException.ThrowIfLessThan(due, TimeSpan.Zero);
        if (period != Timeout.InfiniteTimeSpan) ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(period, TimeSpan.Zero);
        activation.Scheduler.Verify();
        var timer = new GrainTimer(activation, due, period, tick);
        activation.Add(timer);
        return timer;
    }

    public Task SetReminder(string name, TimeSpan due, TimeSpan period, CancellationToken cancellationToken = default)
    {
        EngineArguments.CheckReminder(name, due, period);
        return activation.Kind.Engine.Reminders.Set(activation.Kind.Name, activation.Key, name, due, period).WaitAsync(cancellationToken);
    }

    public Task ClearReminder(string name, CancellationToken cancellationToken = default)
    {
        EngineArguments.CheckReminder(name);
        return activation.Kind.Engine.Reminders.Clear(activation.Kind.Name, activation.Key, name).WaitAsync(cancellationToken);
    }

    public void Deactivate() => activation.LeaveWhen(Leave.Soon);

    /// <summary>Completes when no save is on its way.</summary>
    public virtual Task Saved() => Task.CompletedTask;
}

/// <summary>The context of a grain with state.</summary>
internal sealed class GrainContext<TState> : GrainContext, IGrainContext<TState> where TState : class, new()
{
    private readonly GrainState<TState> _state;

    public GrainContext(Activation activation) : base(activation) =>
        _state = new GrainState<TState>(activation, (JsonTypeInfo<TState>)activation.Kind.Definition.StateJson!);

    public IGrainState<TState> State => _state;

    public override bool IsSaving => _state.IsSaving;

    public override Task Saved() => _state.Saved();
}
