namespace CozeCluster.Grains;

/// <summary>
/// Saves a grain's state from code that interleaves: one save in flight, and whoever asks meanwhile shares the next one, which holds all that changed until it starts.
/// </summary>
internal sealed class StateSaver<TState>(IGrainState<TState> state) where TState : class, new()
{
    private Task? _running;
    private Task? _next;

    /// <summary>Stores the state as it is now or later.</summary>
    public Task Save()
    {
        // One that waits comes first, even if the one it waits for has just ended: its turn to run may come only behind ours.
        if (_next is not null) return _next;
        if (_running is null or { IsCompleted: true }) return _running = state.Save();
        return _next = SaveNext(_running);
    }

    /// <summary>Deletes the state, after what is being saved.</summary>
    public async Task Clear()
    {
        while ((_next ?? _running) is { IsCompleted: false } ahead) await Quietly(ahead);
        await (_running = state.Clear());
    }

    private async Task SaveNext(Task before)
    {
        // Not before Save has noted this one.
        await Task.Yield();
        await Quietly(before);
        _next = null;
        await (_running = state.Save());
    }

    /// <summary>Whoever asked for it hears of its failure.</summary>
    private static async Task Quietly(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception)
        {
        }
    }
}
