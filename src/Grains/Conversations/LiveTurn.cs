namespace CozeCluster.Grains;

/// <summary>A turn in memory: its reply, whoever listens, and whether somebody wants it to stop.</summary>
internal sealed class LiveTurn(TurnRecord record, ReplyLog log, TimeProvider time) : ITurnReader
{
    private readonly Dictionary<string, Delivery> _deliveries = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _gated;
    private long _lastHeard = time.GetTimestamp();

    public TurnRecord Record => record;

    /// <summary>The reply. A try that brought nothing is replaced by the next one's.</summary>
    public ReplyLog Log { get; private set; } = log;

    /// <summary>Whether the prompt stays in the record once it was sent.</summary>
    public bool KeepsPrompt { get; init; }

    /// <summary>Whether another node could go on with it: its intent is saved, or about to be.</summary>
    public bool IsDurable { get; set; } = record.Sent;

    /// <summary>Whether <see cref="IRunningTurnsGrain"/> knows of it.</summary>
    public bool IsRegistered { get; set; } = record.Sent;

    /// <summary>The save that tells that it is about to be sent, of the last try that had one.</summary>
    public Task? Intent { get; set; }

    /// <summary>Whether that is stored, or about to be.</summary>
    public bool HasIntent => Intent is { IsFaulted: false, IsCanceled: false };

    /// <summary>Whether the upstream may have received the prompt.</summary>
    public bool MayBeSent { get; set; }

    /// <summary>The pool's answer for the first try, if it was asked ahead.</summary>
    public Task<PickResult>? FirstPick { get; set; }

    /// <summary>Keeps its node from stopping while it cannot be gone on with elsewhere; null: it does not.</summary>
    public IDisposable? Hold { get; set; }

    /// <summary>The lease it runs on, while it runs.</summary>
    public Lease? Lease { get; set; }

    /// <summary>The far side it was tried on last, until that is settled.</summary>
    public (IUpstream Upstream, UpstreamTurn Turn)? Far { get; set; }

    /// <summary>When lease and admission were last prolonged.</summary>
    public long RenewedAt { get; set; } = time.GetTimestamp();

    /// <summary>Ends waiting at the far side early; set while the turn runs.</summary>
    public TurnDeadline? Deadline { get; set; }

    /// <summary>Whether the turn is wanted no more.</summary>
    public bool CancelRequested { get; private set; }

    /// <summary>A failure of ours that ends the turn, such as storage that cannot be written.</summary>
    public Error? Fault { get; private set; }

    /// <summary>Completes when the turn has ended and all that follows from it is done.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Whether anybody is subscribed.</summary>
    public bool HasDeliveries => _deliveries.Count > 0;

    /// <summary>How long nobody has shown that they listen.</summary>
    public TimeSpan Unheard
    {
        get
        {
            foreach (var delivery in _deliveries.Values)
            {
                if (delivery.LastTaken > _lastHeard) _lastHeard = delivery.LastTaken;
            }
            return time.GetElapsedTime(_lastHeard);
        }
    }

    /// <summary>Somebody listens, by whatever way.</summary>
    public void Heard() => _lastHeard = time.GetTimestamp();

    public void Observe(Subscription subscription, IReplyTarget feed)
    {
        Unobserve(subscription.Id);
        Heard();
        var delivery = new Delivery(this, subscription, feed, time);
        _deliveries[subscription.Id] = delivery;
        delivery.Kick();
    }

    public void Unobserve(string subscriptionId)
    {
        if (_deliveries.Remove(subscriptionId, out var old)) old.Stop();
    }

    /// <summary>Brings what is new to everyone.</summary>
    public void Publish()
    {
        if (_gated) return;
        foreach (var delivery in _deliveries.Values) delivery.Kick();
    }

    /// <summary>Shows everyone that the turn lives, and forgets observers that are gone.</summary>
    public void Beat(TimeSpan silence)
    {
        foreach (var (id, delivery) in _deliveries)
        {
            if (delivery.IsOver) _deliveries.Remove(id);
            else delivery.Beat(silence);
        }
    }

    /// <summary>Holds back what comes until <see cref="OpenGate"/>: no client sees a reply that could not be found again.</summary>
    public void CloseGate() => _gated = true;

    /// <summary>Lets everything through.</summary>
    public void OpenGate()
    {
        _gated = false;
        Publish();
    }

    /// <summary>Completes when everyone was told what is there by now, or cannot be told.</summary>
    public Task Told() => Task.WhenAll(_deliveries.Values.Select(delivery => delivery.Running));

    /// <summary>Begins another try with an empty reply.</summary>
    public void Restart() => Log = new ReplyLog();

    public void RequestCancel()
    {
        CancelRequested = true;
        Deadline?.Cancel(isKnownAtFarSide: Log.Handle is not null);
    }

    public void Break(Error fault)
    {
        Fault ??= fault;
        Deadline?.Cancel(isKnownAtFarSide: true);
    }

    /// <summary>Ends the reply; whom the gate holds back hears of it when that opens.</summary>
    public void Finish(ReplyEvent end)
    {
        Log.Finish(end);
        Publish();
    }

    /// <summary>All that follows from the end is done.</summary>
    public void Settled() => _ended.TrySetResult();

    public bool HasNothingAfter(Cursor cursor) => _gated || Log.HasNothingAfter(cursor);

    public ReplyBatch ReadNext(Cursor after, int maxChars) =>
        _gated ? new ReplyBatch(record.TurnId, [], after) : Log.Read(record.TurnId, after, maxChars);

    public TurnSnapshot Snapshot(string? conversationName) => new(
        record.TurnId,
        record.Status,
        record.Model,
        conversationName,
        record.CreatedAt,
        record.EndedAt,
        record.Request?.Messages ?? [],
        Log.Parts,
        Log.Next,
        record.End);
}
