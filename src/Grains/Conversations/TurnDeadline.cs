namespace CozeCluster.Grains;

/// <summary>How long the house still waits for the far side. One timer, moved with every sign of progress.</summary>
internal sealed class TurnDeadline : IDisposable
{
    /// <summary>
    /// A cancelled turn whose exchange is not known yet waits that long for its ids, so that the far side can be told; a grain that is put away, so that the exchange can be
    /// found again elsewhere. Engines wait longer.
    /// </summary>
    private static readonly TimeSpan CancelGrace = TimeSpan.FromSeconds(5);

    private readonly TimeProvider _time;
    private readonly TurnTimeouts _timeouts;
    private readonly long _start;
    private readonly CancellationTokenSource _source;
    private readonly CancellationTokenRegistration _stop;
    private readonly CancellationTokenRegistration _nodeStop;
    private (string What, TimeSpan Limit) _wait;
    private bool _cancelling;
    private bool _stopping;
    private bool _awaitsIds;
    private volatile bool _nodeStops;

    /// <param name="time">The clock.</param>
    /// <param name="timeouts">The bot's.</param>
    /// <param name="stop">The grain is put away.</param>
    /// <param name="awaitsIds">Whether that has to wait a while for the exchange to become known: what is sent by then and not known is lost.</param>
    /// <param name="nodeStops">The node stops, and with it a turn that no other could go on with. Cancelled by any thread.</param>
    public TurnDeadline(TimeProvider time, TurnTimeouts timeouts, CancellationToken stop, bool awaitsIds = false, CancellationToken nodeStops = default)
    {
        _time = time;
        _timeouts = timeouts;
        _start = time.GetTimestamp();
        _source = new CancellationTokenSource(Min(timeouts.FirstByte, timeouts.Total), time);
        _wait = ("sent nothing for", Min(timeouts.FirstByte, timeouts.Total));
        _awaitsIds = awaitsIds;
        _stop = stop.UnsafeRegister(static deadline => ((TurnDeadline)deadline!).Stop(), this);
        _nodeStop = nodeStops.UnsafeRegister(static deadline => ((TurnDeadline)deadline!).NodeStops(), this);
    }

    /// <summary>Cancelled when time is up, the turn is cancelled, or its grain is put away.</summary>
    public CancellationToken Token => _source.Token;

    /// <summary>What to tell when time is up.</summary>
    public Error Error => _nodeStops ? new(ErrorCode.Draining, "The server is shutting down.") : new(ErrorCode.UpstreamTimeout, $"The bot {_wait.What} {_wait.Limit.TotalSeconds:0.###} s.");

    /// <summary>Something came.</summary>
    public void Progress() => WaitAtMost(_timeouts.Idle, "was silent for");

    /// <summary>The exchange has become known.</summary>
    public void IdsAreKnown()
    {
        _awaitsIds = false;
        if (_stopping) _source.Cancel();
    }

    /// <summary>From now on only the total counts: the far side shows no progress while it is polled.</summary>
    public void WaitForTotal() => WaitAtMost(_timeouts.Total, "took longer than");

    /// <summary>Stops waiting: at once, or soon if the far side has not told its ids yet.</summary>
    public void Cancel(bool isKnownAtFarSide)
    {
        _cancelling = true;
        if (isKnownAtFarSide) _source.Cancel();
        else _source.CancelAfter(CancelGrace);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _nodeStop.Dispose();
        _source.Dispose();
    }

    private void NodeStops()
    {
        _nodeStops = true;
        _source.Cancel();
    }

    private void Stop()
    {
        _stopping = true;
        if (_awaitsIds) _source.CancelAfter(CancelGrace);
        else _source.Cancel();
    }

    private void WaitAtMost(TimeSpan limit, string what)
    {
        if (_cancelling || _stopping || _source.IsCancellationRequested) return;
        var left = _timeouts.Total - _time.GetElapsedTime(_start);
        _wait = left > limit ? (what, limit) : ("took longer than", _timeouts.Total);
        _source.CancelAfter(left > limit ? limit : left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
