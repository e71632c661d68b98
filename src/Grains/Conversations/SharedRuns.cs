namespace CozeCluster.Grains;

/// <summary>
/// Runs the same work again and again, one run at a time. Requests that arrive during a run share the next one, so each request is answered by a run that began
/// after it. Used on the activation's scheduler only.
/// </summary>
internal sealed class SharedRuns(Func<Task> run)
{
    private Task _last = Task.CompletedTask;
    private Task? _next;

    /// <summary>Requests a run. It begins at once if none is under way.</summary>
    public Task Request()
    {
        if (_next is not null) return _next;
        return _last.IsCompleted ? _last = run() : _next = RunAfter(_last);
    }

    /// <summary>Completes when no run is under way or requested, also if runs have failed: their callers handle that.</summary>
    public async Task WhenIdle()
    {
        while ((_next ?? _last) is { IsCompleted: false } busy) await Task.WhenAny(busy);
    }

    private async Task RunAfter(Task earlier)
    {
        await Task.WhenAny(earlier);
        _last = _next!;
        _next = null;
        await run();
    }
}
