namespace CozeCluster.Silo.Hosting;

/// <summary>
/// Ends the process if stopping takes too long, as on a silo whose database is gone. What ran there resumes elsewhere as after a crash.
/// </summary>
internal sealed class StopGuard : IDisposable
{
    /// <summary>What a host that has given up waiting for its services needs to end.</summary>
    public static readonly TimeSpan Slack = TimeSpan.FromSeconds(5);

    private readonly TimeSpan _timeout;
    private readonly CancellationTokenSource _late;
    private CancellationTokenRegistration _stopping;

    /// <param name="timeout">How long stopping may take.</param>
    /// <param name="time">The clock.</param>
    /// <param name="exit">Ends the process.</param>
    public StopGuard(TimeSpan timeout, TimeProvider time, Action exit)
    {
        _timeout = timeout;
        _late = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        _late.Token.Register(exit);
    }

    /// <summary>Counts from when the token is cancelled, until this is disposed.</summary>
    public void Watch(CancellationToken stopping) => _stopping = stopping.Register(() => _late.CancelAfter(_timeout));

    /// <summary>Stopping has ended in time.</summary>
    public void Dispose()
    {
        _stopping.Dispose();
        _late.Dispose();
    }
}
