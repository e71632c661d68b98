using System.Threading.Tasks.Sources;

namespace CozeCluster.Gateway.Replies;

/// <summary>
/// The batches that a conversation has posted and the reader has not yet taken. The queue is bounded, so a slow client uses a bounded amount of memory.
/// Thread-safe.
/// </summary>
internal sealed class ReplyQueue
{
    /// <summary>The maximum number of characters in the queue. A single larger batch is accepted if the queue is empty.</summary>
    public const int MaxChars = 256 * 1024;

    /// <summary>The maximum number of batches in the queue.</summary>
    public const int MaxBatches = 64;

    private readonly Lock _gate = new();
    private readonly Queue<ReplyBatch> _batches = new(4);
    private int _chars;

    /// <returns>False if the queue is full.</returns>
    public bool TryAdd(ReplyBatch batch)
    {
        var chars = CountChars(batch);
        lock (_gate)
        {
            if (_batches.Count > 0 && (_batches.Count >= MaxBatches || _chars + chars > MaxChars)) return false;
            _batches.Enqueue(batch);
            _chars += chars;
            return true;
        }
    }

    /// <returns>False if the queue is empty.</returns>
    public bool TryTake(out ReplyBatch batch)
    {
        lock (_gate)
        {
            if (!_batches.TryDequeue(out batch!)) return false;
            _chars -= CountChars(batch);
            return true;
        }
    }

    public void Clear()
    {
        lock (_gate)
        {
            _batches.Clear();
            _chars = 0;
        }
    }

    private static int CountChars(ReplyBatch batch)
    {
        var chars = 0;
        for (var i = 0; i < batch.Events.Count; i++)
        {
            chars += batch.Events[i] switch
            {
                ReplyText text => text.Text.Length,
                ReplyReasoning reasoning => reasoning.Text.Length,
                ReplyItemAdded { Item: ToolCallItem call } => call.Arguments.Length,
                ReplyItemAdded { Item: ToolOutputItem output } => output.Output.Length,
                ReplyItemAdded { Item: KnowledgeItem knowledge } => knowledge.Content.Length,
                ReplyItemAdded { Item: OtherItem other } => other.Content.Length,
                ReplyItemAdded { Item: CardItem card } => card.Content.Length,
                _ => 64,
            };
        }
        return chars;
    }
}

/// <summary>
/// Lets one waiter sleep until it is woken or a deadline passes, without an allocation for each wait. A signal that arrives while nothing waits is kept for
/// the next wait. The waiter continues on the thread pool and never on the thread that wakes it, which may be the thread of a grain.
/// </summary>
internal sealed class WakeUpSignal(TimeProvider time) : IValueTaskSource, IThreadPoolWorkItem, IDisposable
{
    private readonly Lock _gate = new();
    private ManualResetValueTaskSourceCore<bool> _core;
    private ITimer? _timer;
    private long _deadline;
    private long _timerDue = long.MaxValue;
    private bool _waiting;
    private bool _signaled;

    /// <summary>Wakes the waiter.</summary>
    public void Wake()
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _signaled = true;
                return;
            }
            _waiting = false;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }

    /// <summary>Waits until <see cref="Wake"/> is called or the deadline passes. There is one waiter at a time.</summary>
    /// <param name="deadline">A timestamp of the time provider.</param>
    public ValueTask Wait(long deadline)
    {
        lock (_gate)
        {
            if (_signaled)
            {
                _signaled = false;
                return default;
            }
            _core.Reset();
            _waiting = true;
            _deadline = deadline;
            SetTimer(deadline);
            return new ValueTask(this, _core.Version);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _timer?.Dispose();
            _timerDue = long.MinValue;
        }
    }

    void IThreadPoolWorkItem.Execute() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    // Every batch moves the deadline forward. The timer is not changed each time: when it fires too early, it is set again to the remaining time.
    private void SetTimer(long deadline)
    {
        if (_timerDue <= deadline) return;
        _timerDue = deadline;
        var due = time.GetElapsedTime(time.GetTimestamp(), deadline);
        if (due < TimeSpan.Zero) due = TimeSpan.Zero;
        // Timers count whole milliseconds and round down. With one more, the deadline has passed when the timer fires.
        due += TimeSpan.FromMilliseconds(1);
        if (_timer is null) _timer = time.CreateTimer(static state => ((WakeUpSignal)state!).OnTimer(), this, due, Timeout.InfiniteTimeSpan);
        else _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void OnTimer()
    {
        lock (_gate)
        {
            if (_timerDue == long.MinValue) return;
            _timerDue = long.MaxValue;
            if (!_waiting) return;
            if (time.GetTimestamp() < _deadline)
            {
                SetTimer(_deadline);
                return;
            }
            _waiting = false;
        }
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: true);
    }
}
