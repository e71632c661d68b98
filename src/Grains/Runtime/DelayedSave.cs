namespace CozeCluster.Grains;

/// <summary>
/// Saves a grain's state some time after a change, so that several changes share one write. A failed save is repeated after the same time. Used on the
/// activation's scheduler only.
/// </summary>
/// <param name="work">The timers of the activation.</param>
/// <param name="delay">The time from the first unsaved change to the save.</param>
/// <param name="save">Saves the state.</param>
internal sealed class DelayedSave(BackgroundWork work, TimeSpan delay, Func<Task> save)
{
    private IDisposable? _timer;

    /// <summary>Whether a save is scheduled. If so, the grain calls <see cref="SaveNow"/> when it deactivates.</summary>
    public bool IsPending => _timer is not null;

    /// <summary>Schedules a save if none is scheduled.</summary>
    public void Schedule() => _timer ??= work.StartTimer(delay, Timeout.InfiniteTimeSpan, _ => SaveNow());

    /// <summary>Saves at once, instead of a scheduled save.</summary>
    public async Task SaveNow()
    {
        _timer?.Dispose();
        _timer = null;
        try
        {
            await save();
        }
        catch (Exception exception) when (exception is not ClusterException { Code: ErrorCode.StateConflict })
        {
            Schedule();
            throw;
        }
    }
}
