namespace CozeCluster.Grains;

/// <summary>
/// Brings one turn's reply to one observer: one call in flight, in order, each from where the last ended. It runs only while there is something to bring,
/// so an observer that takes batches at once costs neither a task nor a hop.
/// </summary>
internal sealed class Delivery(ITurnReader turn, Subscription subscription, IReplyTarget feed, TimeProvider time)
{
    /// <summary>Characters brought at once; an observer that fell behind gets its rest in stretches of this size.</summary>
    private const int BatchChars = 16 * 1024;

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);

    private Cursor _cursor = subscription.After;
    private long _lastCall = time.GetTimestamp();
    private bool _running;
    private bool _beat;

    /// <summary>The subscription's id.</summary>
    public string Id => subscription.Id;

    /// <summary>Whether it has come to its end, for whatever reason.</summary>
    public bool IsOver { get; private set; }

    /// <summary>When the observer last took a batch.</summary>
    public long LastTaken { get; private set; } = time.GetTimestamp();

    /// <summary>Completes when all that is there by now was brought, or could not be.</summary>
    public Task Running { get; private set; } = Task.CompletedTask;

    /// <summary>There may be something to bring.</summary>
    public void Kick()
    {
        if (_running || IsOver) return;
        Running = Run();
    }

    /// <summary>Shows the observer that the turn lives, if it has heard nothing for that long.</summary>
    public void Beat(TimeSpan silence)
    {
        if (_running || IsOver || time.GetElapsedTime(_lastCall) < silence) return;
        _beat = true;
        Running = Run();
    }

    /// <summary>Stops; a call in flight is left to itself.</summary>
    public void Stop() => IsOver = true;

    private async Task Run()
    {
        _running = true;
        try
        {
            while (!IsOver)
            {
                if (turn.HasNothingAfter(_cursor) && !_beat) return;
                _beat = false;
                var batch = turn.ReadNext(_cursor, BatchChars);
                _lastCall = time.GetTimestamp();
                var call = feed.Post(batch);
                var ack = call.IsCompletedSuccessfully ? call.Result : await call.AsTask().WaitAsync(CallTimeout, time);
                if (ack != ReplyAck.Taken)
                {
                    IsOver = true;
                    return;
                }
                LastTaken = time.GetTimestamp();
                _cursor = batch.Next;
                if (batch.IsLast) IsOver = true;
            }
        }
        catch (Exception)
        {
            // Whatever became of the observer, nobody takes batches there any more. It subscribes again if it can.
            IsOver = true;
        }
        finally
        {
            _running = false;
        }
    }
}

/// <summary>What a delivery sees of its turn.</summary>
internal interface ITurnReader
{
    /// <summary>Whether there is nothing to bring from that cursor on.</summary>
    bool HasNothingAfter(Cursor cursor);

    /// <summary>The next stretch.</summary>
    ReplyBatch ReadNext(Cursor after, int maxChars);
}
