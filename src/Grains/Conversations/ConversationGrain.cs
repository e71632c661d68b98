using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>A queue of turns of which one runs at a time; see <see cref="TurnRunner"/> for how.</summary>
[GrainType("conversation"), PreferLocalPlacement, CollectionAgeLimit(Minutes = 2)]
public sealed partial class ConversationGrain : Grain, IConversationGrain
{
    internal const string StateName = "conversation";

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewEvery = LeaseRequest.Lifetime / 3;
    private static readonly TimeSpan CancelWait = TimeSpan.FromSeconds(6);

    private readonly IPersistentState<ConversationState> _state;
    private readonly BackgroundWork _work;
    private readonly ReplyFeeds _feeds;
    private readonly TimeProvider _time;
    private readonly ConversationOptions _options;
    private readonly ILogger _logger;
    private readonly StateSaver<ConversationState> _saver;
    private readonly TurnLeases _claims;
    private readonly TurnRunner _pump;
    private readonly CachedDefinition<TenantDefinition> _tenant;
    private readonly Dictionary<string, LiveTurn> _live = [];
    private readonly LinkedList<LiveTurn> _waiting = [];
    private LiveTurn? _running;
    private bool _pumping;
    private long _keptAt;
    private IDisposable? _tick;

    /// <summary>Made by Orleans.</summary>
    public ConversationGrain(
        [PersistentState(StateName)] IPersistentState<ConversationState> state,
        BackgroundWork work,
        ReplyFeeds feeds,
        IEnumerable<IUpstream> upstreams,
        TimeProvider time,
        ConversationOptions options,
        NonResumableTurns unsaved,
        ILogger<ConversationGrain> logger)
    {
        _state = state;
        _work = work;
        _feeds = feeds;
        _time = time;
        _options = options;
        _logger = logger;
        _saver = new StateSaver<ConversationState>(state, work);
        _claims = new TurnLeases(state, GrainFactory, time, logger);
        _pump = new TurnRunner(state, work.Key, GrainFactory, _saver, upstreams.ToFrozenDictionary(upstream => upstream.Name), time, options, unsaved, _claims, logger);
        _tenant = new CachedDefinition<TenantDefinition>(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindTenant(State.TenantId));
    }

    private ConversationState State => _state.State;

    private bool IsNamed => State.Name is not null;

    /// <inheritdoc />
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var lost = false;
        foreach (var record in State.Turns.Where(record => record.Status is TurnStatus.Queued or TurnStatus.Running))
        {
            // One that was not sent has its prompt in any case.
            var turn = new LiveTurn(record, new ReplyLog(), _time) { KeepsPrompt = record.Sent ? record.Request is not null : await KeepsPrompts() };
            _live[record.TurnId] = turn;
            if (record is { Sent: true, Handle: null })
            {
                var unknown = new Error(ErrorCode.UpstreamOutcomeUnknown, "The server stopped while sending the prompt; whether the bot got it is not known.");
                Close(turn, new ReplyFailed(unknown, null));
                turn.Settled();
                lost = true;
            }
            else
            {
                _waiting.AddLast(turn);
            }
        }
        if (lost) await _saver.Save();
        if (_waiting.Count > 0) StartPumping();
    }

    /// <summary>What cannot be resumed elsewhere ends here, and says so.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        var ending = _live.Values.Where(turn => turn is { Record.Status: TurnStatus.Running, IsDurable: false }).ToList();
        foreach (var turn in ending) Close(turn, new ReplyFailed(new Error(ErrorCode.Draining, "The server is shutting down."), null));
        try
        {
            foreach (var turn in ending) await turn.Told().WaitAsync(cancellationToken);
        }
        finally
        {
            foreach (var turn in _live.Values) turn.Hold?.Dispose();
            await _saver.WhenIdle();
        }
    }

    /// <inheritdoc />
    public Task Subscribe(string tenantId, string turnId, Subscription subscription)
    {
        Require(tenantId, turnId).Observe(subscription, _feeds.To(subscription.Feed));
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Unsubscribe(string turnId, string subscriptionId)
    {
        if (_live.TryGetValue(turnId, out var turn)) turn.Unobserve(subscriptionId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars)
    {
        var turn = Require(tenantId, turnId);
        turn.Heard();
        return Task.FromResult(turn.ReadNext(after, maxChars));
    }

    /// <inheritdoc />
    public Task Cancel(string tenantId, string turnId) => Cancel(Require(tenantId, turnId));

    /// <inheritdoc />
    public Task<TurnSnapshot> GetTurn(string tenantId, string turnId) => Task.FromResult(Require(tenantId, turnId).Snapshot(State.Name));

    /// <inheritdoc />
    public Task<ConversationSnapshot> GetConversation(string tenantId)
    {
        RequireOwner(tenantId);
        return Task.FromResult(new ConversationSnapshot(Summary(), [.. State.Turns.Select(record => Peek(record.TurnId)).OfType<LiveTurn>().Select(turn => turn.Snapshot(State.Name))]));
    }

    /// <inheritdoc />
    public async Task Rename(string tenantId, string title)
    {
        RequireOwner(tenantId);
        State.Title = title;
        await _saver.Save();
        await NoteInIndex();
    }

    /// <inheritdoc />
    public async Task Delete(string tenantId)
    {
        if (State.TenantId != tenantId) return;
        // All before any ends, and the one that runs last: none that waits may begin when the one before it is over.
        foreach (var turn in _live.Values) turn.RequestCancel();
        foreach (var turn in _live.Values.OrderBy(turn => turn == _running).ToList())
        {
            await Cancel(turn);
            await turn.Ended;
        }
        if (State.Name is { } name) await Index().Remove(name);
        _live.Clear();
        await _saver.Clear();
        _work.Deactivate("The conversation was deleted.");
    }

    /// <inheritdoc />
    public Task<bool> Wake() => Task.FromResult(_pumping);

    private async Task Cancel(LiveTurn turn)
    {
        if (turn.Record.EndedAt is not null) return;
        turn.RequestCancel();
        // One that was sent by a node that died waits too, to be found again: the pump does that, and tells the far side.
        if (turn.Record.Handle is null && _waiting.Remove(turn))
        {
            await End(turn, new ReplyFailed(new Error(ErrorCode.Cancelled, "The turn was cancelled."), null));
            return;
        }
        try
        {
            await turn.Ended.WaitAsync(CancelWait, _time);
        }
        catch (TimeoutException)
        {
            // The far side is slow to hear; the turn ends without us waiting for it.
        }
    }

    private void StartTicking() => _tick ??= this.StartTimer(Tick, Tick, OnTick);

    private void StartPumping()
    {
        StartTicking();
        if (_pumping) return;
        _pumping = true;
        _keptAt = _time.GetTimestamp();
        _work.Run(PumpQueue);
    }

    private async Task PumpQueue(CancellationToken stop)
    {
        try
        {
            while (_waiting.First is { } first)
            {
                stop.ThrowIfCancellationRequested();
                _waiting.RemoveFirst();
                _running = first.Value;
                _running.Record.Status = TurnStatus.Running;
                await End(_running, await _pump.Run(_running, stop));
            }
        }
        finally
        {
            _pumping = false;
            _running = null;
        }
    }

    private async Task End(LiveTurn turn, ReplyEvent end)
    {
        // Nobody hears of an end that is not stored: after a crash it would not be there.
        if (turn.IsDurable) turn.CloseGate();
        Close(turn, end);
        var settled = _claims.Settle(turn.Record.TurnId, turn.Log.Usage);
        try
        {
            // A fresh conversation of which nothing was stored, because its turn was never sent or could not be found again anyway, ends with its grain.
            if (IsNamed || turn.HasIntent || _state.RecordExists) await _saver.Save();
            turn.OpenGate();
            if (turn.IsDurable) await GrainFactory.Grain<IRunningTurnsGrain>(GrainKeys.RunningTurns(_work.Key)).Remove(_work.Key);
            await _pump.Settle(turn);
            if (IsNamed) await NoteInIndex();
            await settled;
        }
        catch (Exception exception) when (exception is not ClusterException { Code: ErrorCode.StateConflict })
        {
            // Whatever it was, the turns that wait are to begin.
            LogNotSettled(_logger, exception, turn.Record.TurnId, (exception as ClusterException)?.Code ?? ErrorCode.Internal);
        }
        finally
        {
            turn.OpenGate();
            turn.Settled();
            if (turn.Hold is not null) _work.Run(_ => LetNodeStop(turn));
        }
    }

    /// <summary>The node may stop for its part once whoever listens has heard of its end.</summary>
    private static async Task LetNodeStop(LiveTurn turn)
    {
        await turn.Told();
        turn.Hold?.Dispose();
    }

    private void Close(LiveTurn turn, ReplyEvent end)
    {
        turn.Finish(end);
        var record = turn.Record;
        record.EndedAt = _time.GetUtcNow();
        record.End = end;
        GrainMetrics.TurnEnded(record.Model, end, turn.Log.Usage);
        record.Parts = turn.Log.Parts;
        record.Rewrites = turn.Log.Rewrites;
        record.Handle = turn.Log.Handle ?? record.Handle;
        record.Status = end switch
        {
            ReplyCompleted => TurnStatus.Completed,
            ReplyFailed { Error.Code: ErrorCode.Cancelled } => TurnStatus.Cancelled,
            _ => TurnStatus.Failed,
        };
        if (!turn.KeepsPrompt) record.Request = null;
        State.LastUsedAt = record.EndedAt.Value;
    }

    private async Task OnTick(CancellationToken cancellationToken)
    {
        var isNeeded = _pumping;
        // The storage deletes what was not saved for so long, running or not.
        if (_pumping && _state.RecordExists && _time.GetElapsedTime(_keptAt) >= _options.FreshRetention / 2)
        {
            _keptAt = _time.GetTimestamp();
            await _saver.Save();
        }
        foreach (var (id, turn) in _live.ToArray())
        {
            turn.Beat(_options.SignOfLife);
            if (turn.Record.EndedAt is not null)
            {
                // Its record can tell all it had to say.
                if (!turn.HasDeliveries) _live.Remove(id);
                continue;
            }
            isNeeded = true;
            if (!turn.Record.Survive && !turn.CancelRequested && turn.Unheard > _options.ListenerGrace) _work.Run(_ => Cancel(turn));
            if (_time.GetElapsedTime(turn.RenewedAt) >= RenewEvery) await _claims.Renew(turn);
        }
        if (isNeeded || _beginning || _live.Count > 0) return;
        _tick?.Dispose();
        _tick = null;
        // A fresh conversation is seldom asked again, and then it is read from what is stored: kept until idle, thousands a second would fill the memory.
        if (!IsNamed && _state.RecordExists) _work.Deactivate("A fresh conversation without running turns is read from what is stored.");
    }

    private void Open(TurnRequest request)
    {
        State.TenantId = request.TenantId;
        State.Name = request.ConversationName;
        State.CreatedAt = _time.GetUtcNow();
    }

    /// <summary>Whether prompts stay here once they were sent.</summary>
    private async ValueTask<bool> KeepsPrompts() => IsNamed && await _tenant.Get() is not { StoreConversations: false };

    private void ForgetOldTurns()
    {
        State.Turns.RemoveAll(HasExpired);
        var surplus = State.Turns.Count - _options.MaxStoredTurns + 1;
        for (var i = 0; i < State.Turns.Count && surplus > 0; i++)
        {
            if (State.Turns[i].EndedAt is null) continue;
            State.Turns.RemoveAt(i--);
            surplus--;
        }
    }

    /// <summary>What is not kept with its prompt is kept for a while only, so that a client that lost its connection can read it.</summary>
    private bool HasExpired(TurnRecord record) => record is { EndedAt: { } ended, Request: null } && ended + _options.FreshRetention <= _time.GetUtcNow();

    private void RequireOwner(string tenantId)
    {
        if (State.TenantId != tenantId) throw new ClusterException(ErrorCode.NotFound, "No such conversation.");
    }

    private LiveTurn Require(string tenantId, string turnId) =>
        (State.TenantId == tenantId ? Find(turnId) : null) ?? throw new ClusterException(ErrorCode.NotFound, "No such turn.");

    /// <summary>The turn, held while somebody reads it.</summary>
    private LiveTurn? Find(string turnId)
    {
        if (Peek(turnId) is not { } turn) return null;
        _live[turnId] = turn;
        StartTicking();
        return turn;
    }

    private LiveTurn? Peek(string turnId)
    {
        if (_live.TryGetValue(turnId, out var live)) return live;
        if (State.Turns.Find(record => record.TurnId == turnId) is not { End: { } end } ended || HasExpired(ended)) return null;
        var turn = new LiveTurn(ended, ReplyLog.Of(ended.Parts, ended.Rewrites, end), _time);
        turn.Settled();
        return turn;
    }

    private ConversationSummary Summary() => new(State.Name ?? "", State.Title, State.CreatedAt, State.LastUsedAt, State.Turns.Count);

    private IConversationIndexGrain Index() => GrainFactory.Grain<IConversationIndexGrain>(State.TenantId);

    private Task NoteInIndex() => IsNamed ? Index().Update(Summary()) : Task.CompletedTask;

    [LoggerMessage(1110, LogLevel.Error, "Turn {TurnId} ended, but its end could not be stored or told: {Code}")]
    private static partial void LogNotSettled(ILogger logger, Exception exception, string turnId, ErrorCode code);
}
