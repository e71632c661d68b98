namespace CozeCluster.Grains;

/// <summary>
/// Counts the turns of this process that no other node can resume, because their exchange cannot be found again. A node that stops waits for them, and then
/// ends those that are left with an error in their reply. One instance for all grains of a process; thread-safe.
/// </summary>
public sealed class NonResumableTurns : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _endRequest = new();
    private TaskCompletionSource _empty = new();
    private int _count;

    /// <summary>Creates the instance of a process.</summary>
    public NonResumableTurns()
    {
        EndRequested = _endRequest.Token;
        _empty.SetResult();
    }

    /// <summary>The number of such turns now.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    /// <summary>Completes when there is no such turn any more and the subscribers have received how each one ended.</summary>
    public Task WhenEmpty
    {
        get
        {
            lock (_gate) return _empty.Task;
        }
    }

    /// <summary>Cancelled when such turns have to end: those that run now, and those that begin later.</summary>
    internal CancellationToken EndRequested { get; }

    /// <summary>
    /// Ends all such turns with <see cref="ErrorCode.Draining"/> and cancels them at their upstreams. <see cref="WhenEmpty"/> completes when this is done.
    /// </summary>
    public Task EndAll() => _endRequest.CancelAsync();

    /// <inheritdoc />
    public void Dispose() => _endRequest.Dispose();

    /// <summary>Counts a turn until the result is disposed.</summary>
    internal IDisposable Register()
    {
        lock (_gate)
        {
            if (_count++ == 0) _empty = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        return new Registration(this);
    }

    private void Unregister()
    {
        lock (_gate)
        {
            if (--_count == 0) _empty.TrySetResult();
        }
    }

    private sealed class Registration(NonResumableTurns turns) : IDisposable
    {
        private NonResumableTurns? _turns = turns;

        public void Dispose() => Interlocked.Exchange(ref _turns, null)?.Unregister();
    }
}
