using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Observing;

/// <summary>What every reader of this process needs.</summary>
/// <param name="Feeds">Where a reader opens its feeds.</param>
/// <param name="Departures">Reports that a conversation may have lost its silo.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">For calls that failed.</param>
internal sealed record ReplyReaderServices(IReplyFeeds Feeds, SiloDepartures Departures, TimeProvider Time, ILogger<ReplyReader> Logger);

/// <summary>
/// Reads one turn's reply, in order and without gaps, whatever happens between here and the conversation: batches the grain brings are queued; when the
/// queue is full, or nothing was heard for a while, it reads for itself until it has caught up and then observes again from its cursor. One reader at a time.
/// </summary>
internal sealed partial class ReplyReader : IDisposable
{
    private const int PageChars = 64 * 1024;
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(5);

    // When silos have gone: replies that flow show within it that they are not concerned. Others are looked for, which does no harm.
    private static readonly TimeSpan SilenceInDoubt = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallPatience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan GiveUp = TimeSpan.FromSeconds(30);

    private readonly IReplyFeeds _feeds;
    private readonly IConversationGrain _conversation;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _tenantId;
    private readonly string _turnId;
    private readonly string _subscriptionId;
    private readonly ReplyQueue _queue = new();
    private readonly WakeUp _wakeUp;
    private readonly CancellationToken _gone;
    private readonly CancellationTokenRegistration _onGone;
    private readonly IDisposable _onSilosDeparted;
    private Feed? _feed;
    private long _heardAt;
    private long _inDoubtAt = long.MinValue;
    private long _reachedAt;
    private bool _behind;
    private Task<ReplyBatch?>? _look;
    private long _lookAgainAt;

    /// <param name="services">What every reader needs.</param>
    /// <param name="tenantId">Whose turn.</param>
    /// <param name="turnId">The turn.</param>
    /// <param name="conversation">The conversation that holds it.</param>
    /// <param name="after">Where to begin.</param>
    /// <param name="gone">Cancelled when the client is gone: ends a wait.</param>
    public ReplyReader(ReplyReaderServices services, string tenantId, string turnId, IConversationGrain conversation, Cursor after, CancellationToken gone)
    {
        (_feeds, _time, _logger) = (services.Feeds, services.Time, services.Logger);
        (_tenantId, _turnId, _conversation, Cursor, _gone) = (tenantId, turnId, conversation, after, gone);
        _subscriptionId = "sub_" + GrainKeys.Encode(Guid.NewGuid().ToByteArray());
        _wakeUp = new WakeUp(_time);
        _heardAt = _reachedAt = _time.GetTimestamp();
        _onGone = gone.UnsafeRegister(static state => ((WakeUp)state!).Wake(), _wakeUp);
        _onSilosDeparted = services.Departures.Subscribe(Doubt);
    }

    /// <summary>Everything before it has been handed out.</summary>
    public Cursor Cursor { get; private set; }

    /// <summary>Whether the end of the reply has been handed out.</summary>
    public bool Ended { get; private set; }

    /// <summary>Whether nothing more is brought: what there is has to be read.</summary>
    private bool MustRead => _behind || _feed is { Full: true };

    /// <summary>Begins the turn and observes it from its start.</summary>
    public Task Begin(TurnRequest request) => _conversation.Begin(request, NewSubscription(), _gone);

    /// <summary>Observes a turn that exists.</summary>
    public Task Attach() => _conversation.Subscribe(_tenantId, _turnId, NewSubscription());

    /// <summary>Stops observing; the turn goes on.</summary>
    public Task Detach() => _conversation.Unsubscribe(_turnId, _subscriptionId);

    /// <summary>The next batch that is there already.</summary>
    public bool TryTake(out ReplyBatch batch)
    {
        while (!Ended && !_behind && _queue.TryTake(out var queued))
        {
            if (Accept(queued) is not { } accepted) continue;
            batch = accepted;
            return true;
        }
        batch = null!;
        return false;
    }

    /// <summary>The next batch.</summary>
    /// <param name="until">A timestamp at which to stop waiting.</param>
    /// <returns>A batch with events; null once it is <paramref name="until"/> or the client is gone. If the conversation cannot be reached any more, the last batch says so.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<ReplyBatch?> Next(long until)
    {
        while (!Ended && !_gone.IsCancellationRequested)
        {
            if (TryTake(out var batch)) return batch;
            if (_look is { IsCompleted: true } look)
            {
                _look = null;
                if (await Found(look) is { } found) return found;
                continue;
            }
            var now = _time.GetTimestamp();
            var lookAt = _look is not null ? long.MaxValue : MustRead ? _lookAgainAt : SilentAt();
            if (now >= lookAt)
            {
                _look = Look();
                _look.GetAwaiter().UnsafeOnCompleted(_wakeUp.Wake);
                continue;
            }
            if (now >= until) return null;
            await _wakeUp.Wait(Math.Min(until, lookAt));
        }
        return null;
    }

    /// <summary>Tells the conversation that somebody still listens although the client is too slow to take anything just now.</summary>
    public async Task StillHere()
    {
        if (!MustRead) return;
        try
        {
            await _conversation.Read(_tenantId, _turnId, Cursor, 1).WaitAsync(CallPatience, _time, _gone);
        }
        catch (Exception exception) when (exception is ClusterException or TimeoutException or OperationCanceledException)
        {
            Unreached(exception, _turnId);
        }
    }

    public void Dispose()
    {
        _onGone.Dispose();
        _onSilosDeparted.Dispose();
        _feed?.Close();
        if (_look is not null) _ = EndAfter(_look);
        _wakeUp.Dispose();
    }

    /// <summary>Reads a page; if there is nothing left to read, observes again. Whoever waits for the reply need not wait for this as well.</summary>
    /// <returns>The page; null if it observes.</returns>
    private async Task<ReplyBatch?> Look()
    {
        _feed?.Close();
        _queue.Clear();
        _behind = true;
        var page = await _conversation.Read(_tenantId, _turnId, Cursor, PageChars).WaitAsync(CallPatience, _time, _gone);
        Heard();
        if (page.Events.Count > 0) return page;
        await Attach().WaitAsync(CallPatience, _time, _gone);
        Heard();
        return null;
    }

    /// <summary>What came of a look.</summary>
    private async ValueTask<ReplyBatch?> Found(Task<ReplyBatch?> look)
    {
        try
        {
            if (await look is { } page) return Accept(page, trusted: true);
            _behind = false;
            return null;
        }
        catch (OperationCanceledException) when (_gone.IsCancellationRequested)
        {
            return null;
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.NotFound)
        {
            // It was there when it was begun. Turns that cannot be found again at the far side are not stored.
            return Lost(new Error(ErrorCode.UpstreamOutcomeUnknown, "The node that ran this turn is gone, and the rest of the reply with it."));
        }
        catch (ClusterException exception) when (exception.Code is not (ErrorCode.CallRejected or ErrorCode.StateConflict))
        {
            return Lost(exception.ToError());
        }
        catch (Exception exception)
        {
            Unreached(exception, _turnId);
            var now = _time.GetTimestamp();
            if (now >= _time.Later(Volatile.Read(ref _reachedAt), GiveUp))
                return Lost(new Error(ErrorCode.CallRejected, "The conversation cannot be reached any more. The turn may go on; read it under its id."));
            _lookAgainAt = _time.Later(now, Pause);
            return null;
        }
    }

    /// <summary>Nobody waits any more for what comes of a look; but it may have begun to observe.</summary>
    private async Task EndAfter(Task look)
    {
        await look.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _feed?.Close();
    }

    private ReplyBatch? Accept(ReplyBatch batch, bool trusted = false)
    {
        var fresh = ReplyPosition.Trim(batch, Cursor, out var gap);
        if (gap && !trusted)
        {
            _behind = true;
            return null;
        }
        fresh = gap ? batch : fresh;
        if (fresh is null) return null;
        Cursor = batch.Next;
        Ended = batch.IsLast;
        return fresh;
    }

    private ReplyBatch Lost(Error error)
    {
        Ended = true;
        return new ReplyBatch(_turnId, [new ReplyFailed(error, null)], Cursor);
    }

    /// <summary>The conversation may have been active on a silo that has gone.</summary>
    private void Doubt()
    {
        Volatile.Write(ref _inDoubtAt, _time.GetTimestamp());
        _wakeUp.Wake();
    }

    /// <summary>When to look for the conversation unless something is heard of it.</summary>
    private long SilentAt()
    {
        var (heard, inDoubt) = (Volatile.Read(ref _heardAt), Volatile.Read(ref _inDoubtAt));
        var silentAt = _time.Later(heard, Silence);
        return inDoubt >= heard ? Math.Min(silentAt, _time.Later(inDoubt, SilenceInDoubt)) : silentAt;
    }

    private void Heard()
    {
        var now = _time.GetTimestamp();
        Volatile.Write(ref _heardAt, now);
        Volatile.Write(ref _reachedAt, now);
    }

    private Subscription NewSubscription()
    {
        _feed?.Close();
        _feed = new Feed(this);
        return new Subscription(_subscriptionId, Cursor, _feed.Open());
    }

    private void Unreached(Exception exception, string turnId) => Unreached(_logger, exception, turnId);

    [LoggerMessage(20, LogLevel.Warning, "The conversation of turn {TurnId} did not answer")]
    private static partial void Unreached(ILogger logger, Exception exception, string turnId);

    /// <summary>One subscription's feed. A new subscription has a new one, so that late batches of an older subscription are refused.</summary>
    private sealed class Feed(ReplyReader reader) : IReplyInbox
    {
        private IReplyFeed? _feed;
        private volatile bool _closed;
        private volatile bool _full;

        /// <summary>It has refused a batch: the subscription is paused.</summary>
        public bool Full => _full;

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
            reader.Heard();
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
