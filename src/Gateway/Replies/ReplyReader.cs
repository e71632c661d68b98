using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Replies;

/// <summary>The services that every reader needs.</summary>
/// <param name="Feeds">Where a reader opens its feeds.</param>
/// <param name="Departures">Reports that silos have stopped or failed. A reader's conversation may have been on one of them.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">Logs failed calls.</param>
internal sealed record ReplyReaderServices(IReplyFeeds Feeds, SiloDepartures Departures, TimeProvider Time, ILogger<ReplyReader> Logger);

/// <summary>
/// Reads the reply of one turn, in order and without gaps. The reader subscribes to the conversation, which posts batches to the reader's queue. When the queue
/// is full, content is missing, or the conversation is silent for too long, the reader catches up: it reads from its cursor until it has everything, and
/// subscribes again. One reader serves one caller at a time.
/// </summary>
internal sealed partial class ReplyReader : IReplySource, IDisposable
{
    private const int PageChars = 64 * 1024;

    // A conversation that has nothing to send posts an empty batch every two seconds.
    private static readonly TimeSpan SilenceTimeout = TimeSpan.FromSeconds(5);

    // After silos have stopped or failed. Active replies show within this time that they are not affected. To catch up on one that is not does no harm.
    private static readonly TimeSpan SilenceTimeoutAfterDeparture = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromSeconds(30);

    private readonly IReplyFeeds _feeds;
    private readonly IConversationGrain _conversation;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _tenantId;
    private readonly string _turnId;
    private readonly string _subscriptionId;
    private readonly ReplyQueue _queue = new();
    private readonly WakeUpSignal _wakeUp;
    private readonly CancellationToken _aborted;
    private readonly CancellationTokenRegistration _onAborted;
    private readonly IDisposable _onSilosDeparted;
    private Feed? _feed;
    private long _received;
    private long _lastContactAt;
    private long _silosDepartedAt = long.MinValue;
    private bool _behind;
    private volatile Error? _earlyEnd;
    private bool _hasEndedEarly;
    private Task<ReplyBatch?>? _catchUp;
    private long _nextCatchUpAt;

    /// <param name="services">The services that every reader needs.</param>
    /// <param name="tenantId">The tenant of the turn.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="conversation">The conversation of the turn.</param>
    /// <param name="after">The cursor after which to read.</param>
    /// <param name="aborted">Cancelled when the client disconnects. It ends a wait.</param>
    public ReplyReader(
        ReplyReaderServices services, string tenantId, string turnId, IConversationGrain conversation, Cursor after, CancellationToken aborted)
    {
        (_feeds, _time, _logger) = (services.Feeds, services.Time, services.Logger);
        (_tenantId, _turnId, _conversation, Cursor, _aborted) = (tenantId, turnId, conversation, after, aborted);
        _subscriptionId = "sub_" + GrainKeys.Encode(Guid.NewGuid().ToByteArray());
        _received = after.MinLength;
        _wakeUp = new WakeUpSignal(_time);
        _lastContactAt = _time.GetTimestamp();
        _onAborted = aborted.UnsafeRegister(static state => ((WakeUpSignal)state!).Wake(), _wakeUp);
        _onSilosDeparted = services.Departures.Subscribe(OnSilosDeparted);
    }

    /// <summary>The caller has received everything before this cursor.</summary>
    public Cursor Cursor { get; private set; }

    /// <summary>When the caller received the first content, as a timestamp; null until then.</summary>
    public long? FirstContentAt { get; private set; }

    /// <summary>See <see cref="ReplyBatch.Timing"/>; null until the end.</summary>
    public TurnTiming? Timing { get; private set; }

    /// <summary>Who answers; null until the first content has arrived, and if the reading began after it.</summary>
    public ReplySource? Source { get; private set; }

    /// <summary>Whether the caller has received the end of the reply.</summary>
    public bool Ended { get; private set; }

    /// <summary>Whether the caller has received the end of the reply as the conversation sent it, and not an early end.</summary>
    public bool HasWholeReply => Ended && !_hasEndedEarly;

    /// <summary>Whether the conversation posts nothing more to this subscription, so the reader must catch up.</summary>
    private bool MustCatchUp => _behind || _feed is { IsFull: true };

    /// <summary>Starts the turn and subscribes to its reply.</summary>
    public Task Begin(TurnRequest request) => _conversation.Begin(request, NewSubscription(), _aborted);

    /// <summary>Starts the turn of a tenant or key with limits, and subscribes to its reply.</summary>
    public Task<TurnStart> Start(TurnRequest request) => _conversation.Start(request, NewSubscription(), _aborted);

    /// <summary>Subscribes to the reply of an existing turn.</summary>
    public Task Subscribe() => _conversation.Subscribe(_tenantId, _turnId, NewSubscription());

    /// <summary>Ends the subscription. The turn continues.</summary>
    public Task Unsubscribe() => _conversation.Unsubscribe(_turnId, _subscriptionId);

    /// <summary>Makes the next batch the last one, with an error. The turn itself continues. May be called from any thread.</summary>
    public void EndEarly(Error error)
    {
        _earlyEnd = error;
        _wakeUp.Wake();
    }

    /// <summary>Returns the next batch if it is already in the queue.</summary>
    public bool TryTake(out ReplyBatch batch)
    {
        while (!Ended && !_behind && _earlyEnd is null && _queue.TryTake(out var queued))
        {
            if (Accept(queued) is not { } accepted) continue;
            batch = accepted;
            return true;
        }
        batch = null!;
        return false;
    }

    /// <summary>Waits for the next batch.</summary>
    /// <param name="until">The timestamp at which to stop waiting.</param>
    /// <returns>
    /// A batch with events; null if the time is over or the client disconnected. If the conversation does not answer for too long, the last batch is an error.
    /// </returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReplyBatch?> Next(long until)
    {
        while (!Ended && !_aborted.IsCancellationRequested)
        {
            if (_earlyEnd is { } error)
            {
                _hasEndedEarly = true;
                return EndWith(error);
            }
            if (TryTake(out var batch)) return batch;
            if (_catchUp is { IsCompleted: true } catchUp)
            {
                _catchUp = null;
                if (await FinishCatchUp(catchUp) is { } page) return page;
                continue;
            }
            var now = _time.GetTimestamp();
            var catchUpAt = _catchUp is not null ? long.MaxValue : MustCatchUp ? _nextCatchUpAt : SilentAt();
            if (now >= catchUpAt)
            {
                // Not awaited: the caller must be able to write keep-alives while the conversation does not answer.
                _catchUp = CatchUp();
                _catchUp.GetAwaiter().UnsafeOnCompleted(_wakeUp.Wake);
                continue;
            }
            if (now >= until) return null;
            await _wakeUp.Wait(Math.Min(until, catchUpAt));
        }
        return null;
    }

    /// <summary>
    /// Shows the conversation that this reader still exists while its client takes nothing. Otherwise the conversation would cancel a turn whose only
    /// subscription is paused.
    /// </summary>
    public async Task SendHeartbeat()
    {
        if (!MustCatchUp) return;
        try
        {
            await _conversation.Read(_tenantId, _turnId, Cursor, 1).WaitAsync(CallTimeout, _time, _aborted);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException or OperationCanceledException)
        {
            LogNoAnswer(_logger, exception, _turnId);
        }
    }

    public void Dispose()
    {
        _onAborted.Dispose();
        _onSilosDeparted.Dispose();
        _feed?.Close();
        if (_catchUp is not null) _ = CloseFeedAfter(_catchUp);
        _wakeUp.Dispose();
    }

    /// <summary>Reads a page. If nothing is left to read, subscribes again.</summary>
    /// <returns>The page; null if the reader is subscribed.</returns>
    private async Task<ReplyBatch?> CatchUp()
    {
        _feed?.Close();
        _queue.Clear();
        _behind = true;
        var page = await _conversation.Read(_tenantId, _turnId, Cursor, PageChars).WaitAsync(CallTimeout, _time, _aborted);
        MarkContact();
        if (page.Events.Count > 0) return page;
        await Subscribe().WaitAsync(CallTimeout, _time, _aborted);
        MarkContact();
        return null;
    }

    /// <summary>Handles the result of <see cref="CatchUp"/>.</summary>
    /// <returns>The batch for the caller; null if there is none yet.</returns>
    private async ValueTask<ReplyBatch?> FinishCatchUp(Task<ReplyBatch?> catchUp)
    {
        try
        {
            if (await catchUp is { } page) return Accept(page, allowGap: true);
            _behind = false;
            return null;
        }
        catch (OperationCanceledException) when (_aborted.IsCancellationRequested)
        {
            return null;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            // The turn existed when this reader began. Turns that the upstream cannot find again are not stored, so a failed node loses them.
            return EndWith(new Error(
                ErrorCode.UpstreamOutcomeUnknown, "The node that ran this turn stopped or failed, and the rest of the reply is lost. Start a new turn."));
        }
        catch (ClusterException exception) when (exception.Code is not (ErrorCode.CallRejected or ErrorCode.StateConflict))
        {
            return EndWith(exception.ToError());
        }
        catch (Exception exception)
        {
            LogNoAnswer(_logger, exception, _turnId);
            var now = _time.GetTimestamp();
            if (now >= _time.Add(Volatile.Read(ref _lastContactAt), GiveUpAfter))
            {
                return EndWith(new Error(
                    ErrorCode.CallRejected,
                    $"The node that holds this conversation did not answer for {GiveUpAfter.TotalSeconds} s. " +
                    $"The turn may still run: read it at /v1/turns/{_turnId}."));
            }
            _nextCatchUpAt = _time.Add(now, RetryDelay);
            return null;
        }
    }

    /// <summary>Closes the feed that a catch-up may still open after the reader is disposed.</summary>
    private async Task CloseFeedAfter(Task catchUp)
    {
        await catchUp.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _feed?.Close();
    }

    private ReplyBatch? Accept(ReplyBatch batch, bool allowGap = false)
    {
        var fresh = ReplyCursor.Trim(batch, Cursor, out var gap);
        if (gap && !allowGap)
        {
            _behind = true;
            return null;
        }
        fresh = gap ? batch : fresh;
        if (fresh is null) return null;
        _received += ReplyCursor.GetAddedLength(Cursor, fresh.Events);
        Cursor = batch.Next;
        Ended = batch.IsLast;
        Timing = batch.Timing;
        if (FirstContentAt is null && fresh.Events is [not (ReplyCompleted or ReplyFailed), ..]) FirstContentAt = _time.GetTimestamp();
        Source = batch.Source ?? Source;
        return fresh;
    }

    private ReplyBatch EndWith(Error error)
    {
        Ended = true;
        return new ReplyBatch(_turnId, [new ReplyFailed(error, null)], Cursor);
    }

    private void OnSilosDeparted()
    {
        Volatile.Write(ref _silosDepartedAt, _time.GetTimestamp());
        _wakeUp.Wake();
    }

    /// <summary>The timestamp at which a conversation that sends nothing counts as silent.</summary>
    private long SilentAt()
    {
        var (contactAt, departedAt) = (Volatile.Read(ref _lastContactAt), Volatile.Read(ref _silosDepartedAt));
        var silentAt = _time.Add(contactAt, SilenceTimeout);
        return departedAt >= contactAt ? Math.Min(silentAt, _time.Add(departedAt, SilenceTimeoutAfterDeparture)) : silentAt;
    }

    private void MarkContact() => Volatile.Write(ref _lastContactAt, _time.GetTimestamp());

    private Subscription NewSubscription()
    {
        _feed?.Close();
        _feed = new Feed(this);
        return new Subscription(_subscriptionId, Cursor, _feed.Open()) { Received = _received };
    }

    [LoggerMessage(20, LogLevel.Warning, "The conversation of turn {TurnId} did not answer")]
    private static partial void LogNoAnswer(ILogger logger, Exception exception, string turnId);

    /// <summary>The feed of one subscription. Each subscription has a new feed, so late batches of an older subscription are rejected.</summary>
    private sealed class Feed(ReplyReader reader) : IReplyInbox
    {
        private IReplyFeed? _feed;
        private volatile bool _closed;
        private volatile bool _full;

        /// <summary>Whether the feed has rejected a batch. Then the subscription is paused.</summary>
        public bool IsFull => _full;

        public FeedAddress Open()
        {
            _feed = reader._feeds.Open(this);
            return _feed.Address;
        }

        public void Close()
        {
            _closed = true;
            _feed?.Dispose();
        }

        public ReplyAck TryPost(ReplyBatch batch)
        {
            if (_closed) return ReplyAck.Gone;
            reader.MarkContact();
            if (batch.Events.Count == 0) return _full ? ReplyAck.Full : ReplyAck.Taken;
            if (_full || !reader._queue.TryAdd(batch))
            {
                _full = true;
                reader._wakeUp.Wake();
                return ReplyAck.Full;
            }
            reader._wakeUp.Wake();
            return ReplyAck.Taken;
        }
    }
}
