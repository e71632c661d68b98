namespace CozeCluster;

/// <summary>What one activation of a grain has of its engine. Only to be used on the grain's own scheduler.</summary>
public interface IGrainContext
{
    /// <summary>The grain's key.</summary>
    string Key { get; }

    /// <summary>Other grains.</summary>
    IGrains Grains { get; }

    /// <summary>
    /// Starts long work on the grain's scheduler: it interleaves with calls at its awaits, keeps the grain alive while it runs, and is cancelled and awaited
    /// when the grain is put away. An exception other than cancellation is logged by the engine; work that has to know of it catches it.
    /// </summary>
    void RunBackground(Func<CancellationToken, Task> work);

    /// <summary>Starts a timer that lives while the grain is active; it does not keep it active. Ticks run on the grain's scheduler, interleaving, never two at once.</summary>
    /// <param name="due">Time to the first tick.</param>
    /// <param name="period">Time from the end of a tick to the next; <see cref="Timeout.InfiniteTimeSpan"/> for a single tick.</param>
    /// <param name="tick">What to do.</param>
    IDisposable StartTimer(TimeSpan due, TimeSpan period, Func<CancellationToken, Task> tick);

    /// <summary>Sets or replaces a durable reminder. It outlives the process; coarse.</summary>
    /// <param name="name">Unique in this grain, at most 50 ASCII characters.</param>
    /// <param name="due">Time to the first call of <see cref="IGrainLifecycle.OnReminder"/>.</param>
    /// <param name="period">Time between calls, a minute or more.</param>
    /// <param name="cancellationToken">Gives up waiting.</param>
    /// <exception cref="ArgumentOutOfRangeException">The period is under a minute.</exception>
    Task SetReminder(string name, TimeSpan due, TimeSpan period, CancellationToken cancellationToken = default);

    /// <summary>Removes a reminder; nothing happens if there is none.</summary>
    Task ClearReminder(string name, CancellationToken cancellationToken = default);

    /// <summary>Puts the grain away as soon as running calls are done. The next call activates it anew.</summary>
    void Deactivate();
}

/// <summary>The context of a grain with durable state.</summary>
public interface IGrainContext<TState> : IGrainContext where TState : class, new()
{
    /// <summary>The grain's state, loaded before it came to life.</summary>
    IGrainState<TState> State { get; }
}

/// <summary>
/// Durable state of one grain. One save may be in flight at a time; a second call while one runs throws <see cref="InvalidOperationException"/>.
/// </summary>
public interface IGrainState<TState> where TState : class, new()
{
    /// <summary>The value; a new one if nothing is stored. What is serialized is the value at the moment <see cref="Save"/> is called.</summary>
    TState Value { get; set; }

    /// <summary>Whether something is stored.</summary>
    bool Exists { get; }

    /// <summary>Stores <see cref="Value"/>. When it returns, the value survives the process.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.StateConflict"/>: somebody saved since this activation loaded. This grain is put away.</exception>
    Task Save(CancellationToken cancellationToken = default);

    /// <summary>Deletes what is stored and resets <see cref="Value"/> to a new one.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.StateConflict"/>, as for <see cref="Save"/>.</exception>
    Task Clear(CancellationToken cancellationToken = default);
}
