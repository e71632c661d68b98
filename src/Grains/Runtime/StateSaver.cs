using Orleans.Storage;

namespace CozeCluster.Grains;

/// <summary>
/// Saves a grain's state. Orleans itself runs one save at a time, and calls that arrive meanwhile share the next one. This class adds two things: callers receive only
/// <see cref="ClusterException"/>, and an activation whose state is out of date is deactivated, also if background work saved (Orleans does so for calls only).
/// </summary>
internal sealed class StateSaver<TState>(IPersistentState<TState> state, BackgroundWork work)
{
    private Task _last = Task.CompletedTask;

    /// <summary>Stores the state as it is now or shortly after. When it returns, the state outlives the process.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.StateConflict"/>: another activation has saved since this one loaded; this one is deactivated. Another code: the storage failed.
    /// </exception>
    public Task Save()
    {
        // Work that did not end in time must not overwrite what the next activation has loaded.
        if (work.IsGone) return Task.FromException(Conflict(null));
        return _last = Translate(state.WriteStateAsync());
    }

    /// <summary>Deletes the stored state, after a save that is running.</summary>
    /// <exception cref="ClusterException">As for <see cref="Save"/>.</exception>
    public Task Clear() => _last = Translate(state.ClearStateAsync());

    /// <summary>Completes when no save is running, whatever became of the last one: the next activation must not load what is about to be replaced.</summary>
    public async Task WhenIdle()
    {
        try
        {
            await _last;
        }
        catch (ClusterException)
        {
            // Whoever saved handles it.
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
            work.Abandon("Another activation has saved the state.");
            throw Conflict(exception);
        }
        catch (OrleansException exception)
        {
            throw CallErrors.Translate(exception.InnerException ?? exception);
        }
    }

    private static ClusterException Conflict(Exception? cause) => new(ErrorCode.StateConflict, "Something else changed this at the same time. Try again.", inner: cause);
}
