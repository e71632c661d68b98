namespace CozeCluster.Grains;

/// <summary>
/// Sends batches to the feeds of one other process. Under load, batches are sent together every <see cref="Pace"/>, because an Orleans call costs more than the delta in it. When
/// there are few, each is sent at once, and so is the first batch of a reply. A call does not wait for the answers to earlier ones, so a call that is lost with a silo delays only
/// its own feeds.
/// </summary>
internal sealed class ReplyCourier : IThreadPoolWorkItem
{
    /// <summary>Too short to be noticed between two pieces of a text.</summary>
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    /// <summary>A process that is gone never answers.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    /// <summary>More sends than this within one <see cref="Pace"/> start sending together; fewer waiting batches at its end stop it.</summary>
    private const int Crowd = 2;

    /// <summary>Bounds the size of one call to some megabytes.</summary>
    private const int MostAtOnce = 256;

    private readonly IReplyObserver _process;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private List<Waiting> _waiting = [];
    private long _paceStart;
    private int _departures;
    private bool _isPaced;
    private bool _isLeaving;

    public ReplyCourier(IReplyObserver process, TimeProvider time)
    {
        _process = process;
        _time = time;
        _timer = time.CreateTimer(static courier => ((ReplyCourier)courier!).Depart(isTick: true), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    void IThreadPoolWorkItem.Execute() => Depart(isTick: false);

    /// <summary>Sends a batch to its feed.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="atOnce">Whether it is sent at once in any case, together with the batches that wait.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.CallRejected"/>: the process did not answer in time.</exception>
    public Task<ReplyAck> Post(FeedBatch batch, bool atOnce)
    {
        var waiting = new Waiting(batch);
        lock (_gate)
        {
            _waiting.Add(waiting);
            if (_isLeaving || (_isPaced && !atOnce)) return waiting.Ack;
            if (_time.GetElapsedTime(_paceStart) >= Pace) (_paceStart, _departures) = (_time.GetTimestamp(), 0);
            if (++_departures > Crowd && !_isPaced)
            {
                _isPaced = true;
                _timer.Change(Pace, Pace);
            }
            if (_isPaced && !atOnce) return waiting.Ack;
            _isLeaving = true;
        }
        // On another thread: sending is not part of the grain's turn.
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        return waiting.Ack;
    }

    private void Depart(bool isTick)
    {
        List<Waiting> leaving;
        lock (_gate)
        {
            if (!isTick)
            {
                _isLeaving = false;
            }
            else if (_waiting.Count < Crowd)
            {
                _isPaced = false;
                _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
            if (_waiting.Count == 0) return;
            leaving = _waiting;
            _waiting = new List<Waiting>(leaving.Count);
        }
        foreach (var some in leaving.Chunk(MostAtOnce)) _ = Deliver(some);
    }

    private async Task Deliver(Waiting[] some)
    {
        try
        {
            var batches = Array.ConvertAll(some, waiting => waiting.Batch);
            var acks = await _process.OnReplies(batches).AsTask().WaitAsync(AnswerTimeout, _time, CancellationToken.None);
            for (var i = 0; i < some.Length; i++) some[i].Answered(acks[i]);
        }
        catch (Exception exception) when (some.Length > 1 && CallErrors.Translate(exception) is not ClusterException { Code: ErrorCode.CallRejected })
        {
            // A batch that the other process cannot read, because its version is older, must not fail the others.
            foreach (var waiting in some) _ = Deliver([waiting]);
        }
        catch (Exception exception)
        {
            foreach (var waiting in some) waiting.Failed(CallErrors.Translate(exception));
        }
    }

    private sealed class Waiting(FeedBatch batch)
    {
        // The grain's await continues on the grain's scheduler, so no other thread hop is needed.
        private readonly TaskCompletionSource<ReplyAck> _ack = new();

        public FeedBatch Batch => batch;

        public Task<ReplyAck> Ack => _ack.Task;

        public void Answered(ReplyAck ack) => _ack.TrySetResult(ack);

        public void Failed(Exception exception) => _ack.TrySetException(exception);
    }
}
