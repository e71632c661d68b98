namespace CozeCluster;

/// <summary>
/// Marks a grain interface: async methods only (<see cref="Task"/>, <see cref="ValueTask"/> and their generic forms), whose parameters are
/// immutable messages, simple values, observers and at most one <see cref="CancellationToken"/>. Any call may cross a process.
/// </summary>
public interface IGrain;

/// <summary>Marks an interface that the engine calls back (see <see cref="IGrains.Observe{T}"/>).</summary>
public interface IObserver;

/// <summary>
/// The method may run while another call of the same grain awaits. Without it, calls run one at a time to their end: a grain that awaits such a call of its own
/// waits for itself, until the call's token is cancelled. Whether a call without it starts while an interleaving one still awaits is up to the engine.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class InterleavesAttribute : Attribute;

/// <summary>The method is idempotent on an id among its arguments, so the engine may call it again after a rejection or a time-out.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class IdempotentAttribute : Attribute;

/// <summary>What a grain class may implement to hear about its own life. All of it runs on the grain's scheduler.</summary>
public interface IGrainLifecycle
{
    /// <summary>Runs once, state loaded, before the first call. A throw fails that call and puts the grain away.</summary>
    ValueTask OnActivate(CancellationToken cancellationToken) => default;

    /// <summary>Runs once, background work already cancelled and awaited, before the grain is put away. It gets a few seconds.</summary>
    ValueTask OnDeactivate(CancellationToken cancellationToken) => default;

    /// <summary>A reminder set by <see cref="IGrainContext.SetReminder"/> is due. Runs as a call: one at a time.</summary>
    /// <param name="name">The reminder's name.</param>
    /// <param name="cancellationToken">Cancelled when the grain is put away.</param>
    ValueTask OnReminder(string name, CancellationToken cancellationToken) => default;
}
