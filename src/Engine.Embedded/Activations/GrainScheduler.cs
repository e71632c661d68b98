using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Embedded;

/// <summary>
/// Runs one grain's code, one piece at a time, on the thread pool: an await in a grain resumes here. It blocks no thread, and gives way to other grains
/// after a bounded number of pieces.
/// </summary>
internal sealed class GrainScheduler(ILogger logger) : SynchronizationContext, IThreadPoolWorkItem
{
    private const int BatchSize = 64;

    private readonly Lock _gate = new();
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _work = new();
    private bool _scheduled;

    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_gate)
        {
            _work.Enqueue((d, state));
            if (_scheduled) return;
            _scheduled = true;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A grain never blocks: await instead.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Throws unless this is the grain's own code.</summary>
    public void Verify()
    {
        if (Current != this) throw new InvalidOperationException("A grain's context may be used on the grain's own scheduler only (no ConfigureAwait(false), no Task.Run).");
    }

    public void Execute()
    {
        SetSynchronizationContext(this);
        try
        {
            for (var i = 0; i < BatchSize; i++)
            {
                (SendOrPostCallback Callback, object? State) next;
                lock (_gate)
                {
                    if (!_work.TryDequeue(out next))
                    {
                        _scheduled = false;
                        return;
                    }
                }
                Run(next.Callback, next.State);
            }
        }
        finally
        {
            SetSynchronizationContext(null);
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    private void Run(SendOrPostCallback callback, object? state)
    {
        try
        {
            callback(state);
        }
        catch (Exception e)
        {
            // Only `async void` gets here; everything else hands its exceptions to somebody.
            Log.StrayException(logger, e);
        }
    }
}
