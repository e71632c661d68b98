namespace CozeCluster.Grains;

/// <summary>
/// Sends batches to the feeds of one other process. An Orleans call costs more than the text in it. So under load, batches are sent together, once every
/// <see cref="Interval"/>. Without load, each batch is sent at once, and so is the first batch of a reply. A call does not wait for the answers to earlier
/// calls, so a call that is lost with a silo delays only its own feeds. Thread-safe.
/// </summary>
internal sealed class ReplyCourier : IThreadPoolWorkItem
{
    /// <summary>Readers do not notice such a pause between two pieces of a text.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    /// <summary>A process that has stopped or failed never answers.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>More sends than this within one <see cref="Interval"/> start sending by interval. Fewer waiting batches at its end stop it.</summary>
    private const int LoadThreshold = 2;

    /// <summary>Limits the size of one call to a few megabytes.</summary>
    private const int MaxBatchesPerCall = 256;

    private readonly IReplyObserver _process;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private List<PendingBatch> _pending = [];
    private long _intervalStart;
    private long _lastPost;
    private int _sends;
    private bool _isByInterval;
    private bool _isSendQueued;

    public ReplyCourier(IReplyObserver process, TimeProvider time)
    {
        _process = process;
        _time = time;
        _lastPost = time.GetTimestamp();
        _timer = time.CreateTimer(
            static courier => ((ReplyCourier)courier!).SendPending(isTick: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The time since the last batch.</summary>
    public TimeSpan IdleTime => _time.GetElapsedTime(Volatile.Read(ref _lastPost));

    void IThreadPoolWorkItem.Execute() => SendPending(isTick: false);

    /// <summary>Sends a batch to its feed.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="atOnce">Whether the batch is sent at once, together with all waiting batches.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: the process did not answer in time.</exception>
    public Task<ReplyAck> Post(FeedBatch batch, bool atOnce)
    {
        var pending = new PendingBatch(batch);
        lock (_gate)
        {
            _pending.Add(pending);
            var now = _time.GetTimestamp();
            Volatile.Write(ref _lastPost, now);
            if (_isSendQueued || (_isByInterval && !atOnce)) return pending.Ack;
            if (_time.GetElapsedTime(_intervalStart, now) >= Interval) (_intervalStart, _sends) = (now, 0);
            if (++_sends > LoadThreshold && !_isByInterval)
            {
                _isByInterval = true;
                _timer.Change(Interval, Interval);
            }
            if (_isByInterval && !atOnce) return pending.Ack;
            _isSendQueued = true;
        }
        // On another thread: sending must not extend the grain's turn.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return pending.Ack;
    }

    private void SendPending(bool isTick)
    {
        List<PendingBatch> batches;
        lock (_gate)
        {
            if (!isTick)
            {
                _isSendQueued = false;
            }
            else if (_pending.Count < LoadThreshold)
            {
                _isByInterval = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            if (_pending.Count == 0) return;
            batches = _pending;
            _pending = new List<PendingBatch>(batches.Count);
        }
        foreach (var chunk in batches.Chunk(MaxBatchesPerCall)) _ = Send(chunk);
    }

    private async Task Send(PendingBatch[] chunk)
    {
        try
        {
            var batches = Array.ConvertAll(chunk, pending => pending.Batch);
            var acks = await _process.OnReplies(batches).AsTask().WaitAsync(AnswerTimeout, _time, CancellationToken.None);
            for (var i = 0; i < chunk.Length; i++) chunk[i].Complete(acks[i]);
        }
        catch (Exception exception) when (chunk.Length > 1 && CallErrors.Translate(exception) is not ClusterException { Code: ErrorCode.CallRejected })
        {
            // A process with an older version may be unable to read one of the batches. The others must not fail.
            foreach (var pending in chunk) _ = Send([pending]);
        }
        catch (Exception exception)
        {
            foreach (var pending in chunk) pending.Fail(CallErrors.Translate(exception));
        }
    }

    private sealed class PendingBatch(FeedBatch batch)
    {
        // Without RunContinuationsAsynchronously: the grain's await continues on the grain's scheduler, so no other thread hop is needed.
        private readonly TaskCompletionSource<ReplyAck> _ack = new();

        public FeedBatch Batch => batch;

        public Task<ReplyAck> Ack => _ack.Task;

        public void Complete(ReplyAck ack) => _ack.TrySetResult(ack);

        public void Fail(Exception exception) => _ack.TrySetException(exception);
    }
}
