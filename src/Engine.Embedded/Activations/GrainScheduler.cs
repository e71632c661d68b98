using Microsoft.Extensions.Logging;

namespace CozeCluster.Engine.Embedded;

/// <summary>
/// Runs one grain's code, one piece at a time, on the thread pool: an await in a grain resumes here. It blocks no thread, and gives way to other grains
/// after a bounded number of pieces.
/// </summary>
/// <remarks>
/// A grain that calls another and awaits the answer hands its thread over: the scheduler that got work last from a thread which runs grains is run by that thread next.
/// A chain of calls and answers thus stays on one thread, where every link woke up another one before. Only the last: what got work before it is free to any thread.
/// </remarks>
internal sealed class GrainScheduler(ILogger logger) : SynchronizationContext, IThreadPoolWorkItem
{
    private const int BatchSize = 64;

    /// <summary>How many schedulers a thread runs one after the other before it gives others in the pool's queue their turn.</summary>
    private const int MaxHandovers = 64;

    private static readonly ExecutionContext Nobody = ContextOfNobody();

    [ThreadStatic]
    private static bool _runsGrains;

    [ThreadStatic]
    private static GrainScheduler? _next;

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
        GrainScheduler? free = this;
        if (_runsGrains) (_next, free) = (this, _next);
        if (free is not null) ThreadPool.UnsafeQueueUserWorkItem(free, preferLocal: true);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A grain never blocks: await instead.");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Throws unless this is the grain's own code.</summary>
    public void Verify()
    {
        if (Current != this) throw new InvalidOperationException("A grain's context may be used on the grain's own scheduler only (no ConfigureAwait(false), no Task.Run).");
    }

    /// <summary>Sends a call. From outside the grains, what it sets going runs here and now: a caller finds an answer that needs no waiting ready.</summary>
    public static void Send(MethodCall call)
    {
        if (_runsGrains || !Thread.CurrentThread.IsThreadPoolThread)
        {
            call.Send();
            return;
        }
        _runsGrains = true;
        var caller = Current;
        try
        {
            call.Send();
            // What the caller's context carries is none of the grains' business.
            if (_next is not null) ExecutionContext.Run(Nobody, static _ => HandOver(), null);
        }
        finally
        {
            Leave(caller);
        }
    }

    public void Execute()
    {
        _runsGrains = true;
        try
        {
            RunBatch();
            HandOver();
        }
        finally
        {
            Leave(null);
        }
    }

    private static void HandOver()
    {
        for (var handovers = 0; handovers < MaxHandovers && _next is { } next; handovers++)
        {
            _next = null;
            next.RunBatch();
        }
    }

    private static void Leave(SynchronizationContext? context)
    {
        _runsGrains = false;
        SetSynchronizationContext(context);
        if (_next is { } left) ThreadPool.UnsafeQueueUserWorkItem(left, preferLocal: false);
        _next = null;
    }

    private void RunBatch()
    {
        SetSynchronizationContext(this);
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

    // That of a new thread which nothing flowed to: the context here is whoever's call came first.
    private static ExecutionContext ContextOfNobody()
    {
        ExecutionContext? context = null;
        var thread = new Thread(() => context = ExecutionContext.Capture());
        thread.UnsafeStart();
        thread.Join();
        return context!;
    }
}
