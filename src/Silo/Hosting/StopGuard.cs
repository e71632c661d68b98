namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Ends the process where stopping does not come to its end in any orderly way, as on a silo whose database is gone. What ran there goes on as after a crash.
/// </summary>
/// <param name="patience">How long stopping may take.</param>
/// <param name="time">The clock.</param>
/// <param name="exit">Ends the process.</param>
internal sealed class StopGuard(TimeSpan patience, TimeProvider time, Action exit) : IDisposable
{
    /// <summary>What a host that has given up waiting for its services needs to end.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private ITimer? _timer;
    private bool _isOver;

    /// <summary>Counts from when the token is cancelled, until this is disposed.</summary>
    public void Watch(CancellationToken stopping) => stopping.UnsafeRegister(static guard => ((StopGuard)guard!).Begin(), this);

    /// <summary>Stopping has come to its end.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _isOver = true;
            _timer?.Dispose();
        }
    }

    private void Begin()
    {
        lock (_gate)
        {
            if (!_isOver) _timer = time.CreateTimer(static guard => ((StopGuard)guard!).End(), this, patience, Timeout.InfiniteTimeSpan);
        }
    }

    private void End()
    {
        lock (_gate)
        {
            if (_isOver) return;
        }
        exit();
    }
}
