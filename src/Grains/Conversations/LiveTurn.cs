using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>A turn in memory: its progress, its reply, its subscribers, and what the conversation knows of the attempt that runs.</summary>
internal sealed class LiveTurn(TurnProgress progress, ReplyLog log, TimeProvider time)
{
    private readonly Dictionary<string, Delivery> _deliveries = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Whether another activation has sent the prompt. What that one read of the reply is not in the log, and may never be there.</summary>
    private readonly bool _isContinued = progress.IsSent;

    private bool _isDeliveryPaused;
    private long _lastActiveAt = time.GetTimestamp();

    public TurnProgress Progress => progress;

    /// <summary>The reply. A new attempt begins with an empty one.</summary>
    public ReplyLog Log { get; private set; } = log;

    /// <summary>Why the turn can only be ended: its stored data is damaged. Null otherwise.</summary>
    public Error? Damage { get; init; }

    /// <summary>
    /// UTF-16 units of the reply that subscribers have received from other activations, at least; 0 if this activation has sent the prompt. A client may claim
    /// any position, so it is no more than a reply may have.
    /// </summary>
    public long Received { get; private set; }

    /// <summary>Whether another node can continue this turn: its intent is saved or is being saved.</summary>
    public bool IsResumable { get; set; } = progress.IsSent;

    /// <summary>The save of the intent ("the prompt is about to be sent") of the last attempt that had one.</summary>
    public Task? IntentSave { get; set; }

    /// <summary>Whether the intent is saved or is being saved.</summary>
    public bool HasIntent => IntentSave is { IsFaulted: false, IsCanceled: false };

    /// <summary>Whether the upstream may have received the prompt.</summary>
    public bool MayBeSent { get; set; }

    /// <summary>The turn whose tool calls this turn answers; null if it answers none, or if that turn is not read yet.</summary>
    public AnsweredTurn? Answered { get; set; }

    /// <summary>The answer of the model pool for the first attempt, if the pool was asked while the tenant admitted the turn.</summary>
    public Task<PickResult>? FirstPick { get; set; }

    /// <summary>Set for a turn that no other node can resume: the node waits for this turn when it stops. See <see cref="NonResumableTurns"/>.</summary>
    public IDisposable? NonResumableRegistration { get; set; }

    /// <summary>
    /// The tokens that the prompt is expected to have, and the price of the model, if the bot that is asked for a lease or its accounts have limits; otherwise
    /// null.
    /// </summary>
    public (long Input, PriceDefinition? Price)? LeaseEstimate { get; set; }

    /// <summary>The lease that the turn runs on; null while it does not run.</summary>
    public Lease? Lease { get; set; }

    /// <summary>The upstream of the last attempt, until it was asked to release what it keeps for that attempt.</summary>
    public (IUpstream Upstream, UpstreamTurn Turn)? PendingRelease { get; set; }

    /// <summary>When lease and admission were last renewed.</summary>
    public long RenewedAt { get; set; } = time.GetTimestamp();

    /// <summary>Whether a renewal is under way.</summary>
    public bool IsRenewing { get; set; }

    /// <summary>How long the turn waited, for its metrics.</summary>
    public TurnPace Pace { get; } = new(time);

    /// <summary>Whether spans may have the prompt and the reply; see <see cref="ContentExport"/>.</summary>
    public bool ExportsContent { get; set; }

    /// <summary>Limits the wait for the upstream; null while the turn does not run.</summary>
    public TurnDeadline? Deadline { get; set; }

    /// <summary>Whether the turn is to be cancelled.</summary>
    public bool IsCancelRequested { get; private set; }

    /// <summary>An error of this node that ends the turn, such as a save that failed.</summary>
    public Error? AbortError { get; private set; }

    /// <summary>Completes when the turn has ended and the end was stored, or could not be stored.</summary>
    public Task Ended => _ended.Task;

    public bool HasSubscribers => _deliveries.Count > 0;

    /// <summary>The time since a subscriber last accepted a batch, or a client last subscribed or read.</summary>
    public TimeSpan IdleTime
    {
        get
        {
            foreach (var delivery in _deliveries.Values) _lastActiveAt = Math.Max(_lastActiveAt, delivery.LastAcceptedAt);
            return time.GetElapsedTime(_lastActiveAt);
        }
    }

    /// <summary>Records that a client is still interested in this turn.</summary>
    public void MarkActive() => _lastActiveAt = time.GetTimestamp();

    /// <summary>Delivers the reply to a subscriber from its cursor on. Replaces a subscription with the same id.</summary>
    public void Subscribe(Subscription subscription, IReplyTarget feed, ILogger logger)
    {
        Unsubscribe(subscription.Id);
        MarkActive();
        if (_isContinued) Received = Math.Max(Received, Math.Min(Math.Max(subscription.Received, subscription.After.MinLength), Log.MaxChars));
        var delivery = new Delivery(this, subscription.After, feed, time, logger);
        _deliveries[subscription.Id] = delivery;
        delivery.Deliver();
    }

    public void Unsubscribe(string subscriptionId)
    {
        if (_deliveries.Remove(subscriptionId, out var delivery)) delivery.Stop();
    }

    /// <summary>Delivers new content to all subscribers.</summary>
    public void Publish()
    {
        if (_isDeliveryPaused) return;
        foreach (var delivery in _deliveries.Values) delivery.Deliver();
    }

    /// <summary>
    /// Sends a heartbeat to subscribers that have received nothing for <paramref name="silence"/>, and removes those whose subscription has ended.
    /// </summary>
    public void SendHeartbeats(TimeSpan silence)
    {
        foreach (var (id, delivery) in _deliveries)
        {
            if (delivery.HasEnded) _deliveries.Remove(id);
            else delivery.SendHeartbeat(silence);
        }
    }

    /// <summary>Holds back all content until <see cref="ResumeDelivery"/>: a client must not see what would be lost if the node failed now.</summary>
    public void PauseDelivery() => _isDeliveryPaused = true;

    /// <summary>Delivers what was held back, and everything from now on.</summary>
    public void ResumeDelivery()
    {
        _isDeliveryPaused = false;
        Publish();
    }

    /// <summary>Completes when every subscriber has received what there is now, or cannot receive it.</summary>
    public Task WhenDelivered() => Task.WhenAll(_deliveries.Values.Select(delivery => delivery.Current));

    /// <summary>Begins another attempt with an empty reply.</summary>
    public void ResetLog() => Log = Log.CreateEmpty();

    /// <summary>Asks for cancellation: the wait for the upstream ends at once, or soon if the upstream's ids are not known yet.</summary>
    public void RequestCancel()
    {
        IsCancelRequested = true;
        Deadline?.Cancel(idsAreKnown: Log.Handle is not null);
    }

    /// <summary>Ends the turn with an error of this node.</summary>
    public void Abort(Error error)
    {
        AbortError ??= error;
        Deadline?.Cancel(idsAreKnown: true);
    }

    /// <summary>Ends the reply. While delivery is paused, subscribers receive the end later.</summary>
    public void Finish(ReplyEvent end)
    {
        Log.Finish(end);
        Publish();
    }

    /// <summary>Completes <see cref="Ended"/>.</summary>
    public void MarkEnded() => _ended.TrySetResult();

    /// <summary>Whether there is nothing to deliver from this cursor on.</summary>
    public bool HasNothingAfter(Cursor cursor) => _isDeliveryPaused || Log.HasNothingAfter(cursor);

    /// <summary>Reads up to about <paramref name="maxChars"/> characters from a cursor on; an empty batch while delivery is paused.</summary>
    public ReplyBatch Read(Cursor after, int maxChars)
    {
        if (_isDeliveryPaused) return new ReplyBatch(progress.TurnId, [], after) { Source = after == Cursor.Start ? progress.Source : null };
        var batch = Log.Read(progress.TurnId, after, maxChars);
        if (batch.IsLast && Pace.Timing is { } timing) batch = batch with { Timing = timing };
        return after == Cursor.Start ? batch with { Source = progress.Source } : batch;
    }

    public TurnSnapshot CreateSnapshot(string? conversationName) => new(
        progress.TurnId,
        progress.Status,
        progress.Row.Model,
        conversationName,
        progress.Row.CreatedAt,
        progress.EndedAt,
        progress.Prompt ?? [],
        Log.Parts,
        Log.EndCursor,
        progress.End);
}

/// <summary>
/// Delivers one turn's reply to one subscriber: one batch in flight at a time, in order, each from the cursor at which the last one ended. It runs only while
/// there is something to deliver, so a subscriber that accepts batches at once costs neither a task nor a thread switch.
/// </summary>
internal sealed partial class Delivery(LiveTurn turn, Cursor after, IReplyTarget feed, TimeProvider time, ILogger logger)
{
    /// <summary>The approximate number of characters in one batch. A subscriber that is behind receives the rest in batches of this size.</summary>
    private const int MaxBatchChars = 16 * 1024;

    private static readonly TimeSpan PostTimeout = TimeSpan.FromSeconds(5);

    private Cursor _cursor = after;
    private long _lastPostAt = time.GetTimestamp();
    private bool _isRunning;
    private bool _isHeartbeatDue;

    /// <summary>Whether the subscription has ended, for any reason.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>When the subscriber last accepted a batch.</summary>
    public long LastAcceptedAt { get; private set; } = time.GetTimestamp();

    /// <summary>Completes when everything that is there now was delivered, or could not be.</summary>
    public Task Current { get; private set; } = Task.CompletedTask;

    /// <summary>Delivers what is new, if anything.</summary>
    public void Deliver()
    {
        if (_isRunning || HasEnded) return;
        Current = Run();
    }

    /// <summary>Sends an empty batch if the subscriber has received nothing for <paramref name="silence"/>: it shows that the turn still runs.</summary>
    public void SendHeartbeat(TimeSpan silence)
    {
        if (_isRunning || HasEnded || time.GetElapsedTime(_lastPostAt) < silence) return;
        _isHeartbeatDue = true;
        Current = Run();
    }

    /// <summary>Ends the subscription. A batch in flight is not waited for.</summary>
    public void Stop() => HasEnded = true;

    private async Task Run()
    {
        _isRunning = true;
        try
        {
            while (!HasEnded)
            {
                if (turn.HasNothingAfter(_cursor) && !_isHeartbeatDue) return;
                _isHeartbeatDue = false;
                var batch = turn.Read(_cursor, MaxBatchChars);
                _lastPostAt = time.GetTimestamp();
                var post = feed.Post(batch);
                var ack = post.IsCompletedSuccessfully ? post.Result : await post.AsTask().WaitAsync(PostTimeout, time);
                if (ack != ReplyAck.Taken)
                {
                    HasEnded = true;
                    return;
                }
                LastAcceptedAt = time.GetTimestamp();
                _cursor = batch.Next;
                if (batch.IsLast) HasEnded = true;
            }
        }
        catch (Exception exception) when (exception is TimeoutException or ClusterException { Code: ErrorCode.CallRejected })
        {
            // The subscriber does not accept batches any more. If it still exists, it notices the silence and subscribes again.
            HasEnded = true;
            LogUnreachable(logger, exception, turn.Progress.TurnId);
        }
        catch (Exception exception)
        {
            HasEnded = true;
            LogFailed(logger, exception, turn.Progress.TurnId);
        }
        finally
        {
            _isRunning = false;
        }
    }

    [LoggerMessage(1113, LogLevel.Information, "A subscriber of turn {TurnId} does not answer, so its subscription has ended. A reader subscribes again")]
    private static partial void LogUnreachable(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1114, LogLevel.Error, "The delivery of turn {TurnId} to a subscriber failed, so the subscription has ended. A reader subscribes again")]
    private static partial void LogFailed(ILogger logger, Exception exception, string turnId);
}
