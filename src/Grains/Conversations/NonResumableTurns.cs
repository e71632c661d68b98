namespace CozeCluster.Grains;

/// <summary>
/// The turns of this process that end with it, because their far side cannot be asked again: a node that stops waits for them, and ends in-band what does not come to its end in time.
/// One for all grains of a process; thread-safe.
/// </summary>
public sealed class NonResumableTurns : IDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _ending = new();
    private TaskCompletionSource _none = Done();
    private int _count;

    /// <summary>Made once for a process.</summary>
    public NonResumableTurns() => Ending = _ending.Token;

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    /// <summary>Completes when there are none any more, and those who listened have been told how theirs ended.</summary>
    public Task None
    {
        get
        {
            lock (_gate) return _none.Task;
        }
    }

    /// <summary>Cancelled when those that run, and those that begin after that, are to end.</summary>
    internal CancellationToken Ending { get; }

    /// <summary>Ends them with <see cref="ErrorCode.Draining"/>; their far sides are told. <see cref="None"/> tells when that is done.</summary>
    public Task End() => _ending.CancelAsync();

    /// <inheritdoc />
    public void Dispose() => _ending.Dispose();

    /// <summary>One more.</summary>
    /// <returns>Ends its being counted.</returns>
    internal IDisposable Add()
    {
        lock (_gate)
        {
            if (_count++ == 0) _none = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
        return new Counted(this);
    }

    private void Remove()
    {
        lock (_gate)
        {
            if (--_count == 0) _none.TrySetResult();
        }
    }

    private static TaskCompletionSource Done()
    {
        var done = new TaskCompletionSource();
        done.SetResult();
        return done;
    }

    private sealed class Counted(NonResumableTurns turns) : IDisposable
    {
        private NonResumableTurns? _turns = turns;

        public void Dispose() => Interlocked.Exchange(ref _turns, null)?.Remove();
    }
}
