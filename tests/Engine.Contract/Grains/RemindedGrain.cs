namespace CozeCluster.Engine.Contract;

/// <summary>Notes reminders in the probe, as its key, a space and the reminder's name.</summary>
public interface IRemindedGrain : IGrain
{
    /// <summary>Sets or replaces a reminder.</summary>
    Task Set(string name, int dueMilliseconds, int periodMilliseconds);

    /// <summary>Removes a reminder.</summary>
    Task Clear(string name);

    /// <summary>Holds the turn until the gate opens, having noted it.</summary>
    Task Hold(string gate);
}

/// <inheritdoc />
public class RemindedGrain(IGrainContext context, Probe probe) : IRemindedGrain, IGrainLifecycle
{
    private bool _held;

    public Task Set(string name, int dueMilliseconds, int periodMilliseconds) =>
        context.SetReminder(name, TimeSpan.FromMilliseconds(dueMilliseconds), TimeSpan.FromMilliseconds(periodMilliseconds));

    public Task Clear(string name) => context.ClearReminder(name);

    public async Task Hold(string gate)
    {
        _held = true;
        probe.Note(gate);
        await probe.Pass(gate);
        _held = false;
    }

    public ValueTask OnReminder(string name, CancellationToken cancellationToken)
    {
        probe.Note($"{context.Key} {name}");
        if (_held) probe.Note($"{context.Key} {name} out of turn");
        if (name == "failing") throw new InvalidOperationException("A reminder fails.");
        return default;
    }
}
