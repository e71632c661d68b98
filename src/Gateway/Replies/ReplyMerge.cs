namespace CozeCluster.Gateway.Replies;

/// <summary>What a surface reads batches from: the reply of one turn, or those of several. It serves one caller at a time.</summary>
internal interface IReplySource
{
    /// <summary>Whether the caller has received the end of everything, or an error.</summary>
    bool Ended { get; }

    /// <summary>Returns the next batch if it is already there.</summary>
    bool TryTake(out ReplyBatch batch);

    /// <summary>Waits for the next batch.</summary>
    /// <param name="until">The timestamp at which to stop waiting.</param>
    /// <returns>A batch with events; null if the time is over or the client disconnected.</returns>
    ValueTask<ReplyBatch?> Next(long until);

    /// <summary>Shows the conversations that the client still exists while it takes nothing.</summary>
    Task SendHeartbeat();
}

/// <summary>
/// Reads the replies of several turns as one: batches of all of them as they arrive, each with the id of its turn. It ends when all replies are whole, or with
/// the first batch that fails.
/// </summary>
/// <param name="readers">The readers of the turns. All of them stop when <paramref name="aborted"/> is cancelled.</param>
/// <param name="time">The clock.</param>
/// <param name="aborted">Cancelled when the request ends.</param>
internal sealed class ReplyMerge(IReadOnlyList<ReplyReader> readers, TimeProvider time, CancellationToken aborted) : IReplySource, IDisposable
{
    // A reader waits for its conversation until the conversation ends the turn.
    private static readonly TimeSpan MaxWait = TimeSpan.FromDays(1);

    /// <summary>The wait of each reader for its next batch; null if none is under way.</summary>
    private readonly Task<ReplyBatch?>?[] _waits = new Task<ReplyBatch?>?[readers.Count];
    private readonly WakeUpSignal _wakeUp = new(time);
    private int _next;
    private int _whole;
    private bool _failed;

    public bool Ended => _failed || _whole == readers.Count;

    public bool TryTake(out ReplyBatch batch)
    {
        // In turn, so that a reply that arrives fast does not hold back the others.
        for (var left = readers.Count; left > 0 && !Ended; left--)
        {
            var index = _next;
            _next = (_next + 1) % readers.Count;
            if (!TryTakeFrom(index, out batch)) continue;
            if (batch.Events is [.., ReplyFailed]) _failed = true;
            else if (batch.IsLast) _whole++;
            return true;
        }
        batch = null!;
        return false;
    }

    public async ValueTask<ReplyBatch?> Next(long until)
    {
        while (!Ended && !aborted.IsCancellationRequested)
        {
            if (TryTake(out var batch)) return batch;
            if (BeginWaits()) continue;
            if (time.GetTimestamp() >= until) return null;
            await _wakeUp.Wait(until);
        }
        return null;
    }

    /// <summary>A reader that still waits keeps its own contact with its conversation.</summary>
    public Task SendHeartbeat() =>
        Task.WhenAll(readers.Where((reader, index) => !reader.Ended && _waits[index] is not { IsCompleted: false }).Select(reader => reader.SendHeartbeat()));

    public void Dispose() => _wakeUp.Dispose();

    private bool TryTakeFrom(int index, out ReplyBatch batch)
    {
        batch = null!;
        if (_waits[index] is not { } wait) return readers[index].TryTake(out batch);
        if (!wait.IsCompleted) return false;
        _waits[index] = null;
        if (wait.GetAwaiter().GetResult() is not { } arrived) return false;
        batch = arrived;
        return true;
    }

    /// <returns>Whether a reader had something at once.</returns>
    private bool BeginWaits()
    {
        var any = false;
        for (var index = 0; index < readers.Count; index++)
        {
            if (_waits[index] is not null || readers[index].Ended) continue;
            var wait = readers[index].Next(time.FromNow(MaxWait)).AsTask();
            _waits[index] = wait;
            if (wait.IsCompleted) any = true;
            else wait.GetAwaiter().UnsafeOnCompleted(_wakeUp.Wake);
        }
        return any;
    }
}
