namespace CozeCluster.Client;

/// <summary>Cancels when nothing has happened for some time, or when one of the given tokens is cancelled.</summary>
internal sealed class TimeLimit : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationTokenSource _time;
    private readonly CancellationTokenSource _all;

    public TimeLimit(TimeSpan limit, TimeProvider time, params ReadOnlySpan<CancellationToken> others)
    {
        _limit = limit;
        _time = new CancellationTokenSource(limit, time);
        _all = CancellationTokenSource.CreateLinkedTokenSource([_time.Token, .. others]);
    }

    public CancellationToken Token => _all.Token;

    /// <summary>Whether the time is over.</summary>
    public bool IsOver => _time.IsCancellationRequested;

    /// <summary>Begins the time again.</summary>
    public void Restart() => _time.CancelAfter(_limit);

    public void Dispose()
    {
        _all.Dispose();
        _time.Dispose();
    }
}
