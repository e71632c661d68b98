using Orleans.Storage;

namespace CozeCluster.Grains;

/// <summary>
/// Saves a grain's state. Orleans itself runs one save at a time, and calls that arrive in the meantime share the next save. This class adds two things:
/// callers receive only <see cref="ClusterException"/>, and an activation whose state is out of date is deactivated, also if background work saved it (Orleans
/// does so for calls only).
/// </summary>
internal sealed class StateSaver<TState>(IPersistentState<TState> state, BackgroundWork work)
{
    private Task _last = Task.CompletedTask;

    /// <summary>Saves the state as it is now or shortly after. When the task completes, the state survives the process.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: another activation has saved the state since this one loaded it, and this one is deactivated. Another code: the
    /// storage failed.
    /// </exception>
    public Task Save()
    {
        // Work that did not end in time must not overwrite the state that the next activation has loaded.
        if (work.IsDisposed) return Task.FromException(Conflict(null));
        return _last = Translate(state.WriteStateAsync());
    }

    /// <summary>Deletes the stored state, after any running save.</summary>
    /// <exception cref="ClusterException">As for <see cref="Save"/>.</exception>
    public Task Clear() => _last = Translate(state.ClearStateAsync());

    /// <summary>
    /// Completes when no save is running, also if the last save failed. The next activation must not load a state that is about to be replaced.
    /// </summary>
    public async Task WhenIdle()
    {
        try
        {
            await _last;
        }
        catch (ClusterException)
        {
            // The caller of the save handles it.
        }
    }

    private async Task Translate(Task operation)
    {
        try
        {
            await operation;
        }
        catch (InconsistentStateException exception)
        {
            work.CancelAndDeactivate("Another activation has saved the state.");
            throw Conflict(exception);
        }
        catch (OrleansException exception)
        {
            throw CallErrors.Translate(exception.InnerException ?? exception);
        }
    }

    private static ClusterException Conflict(Exception? cause) =>
        new(ErrorCode.StateConflict, "Another request changed the same data at the same time. Retry.", inner: cause);
}
