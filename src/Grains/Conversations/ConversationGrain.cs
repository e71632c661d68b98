using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// One conversation: a queue of turns, of which one runs at a time. This class decides when a turn runs and stores how it ended.
/// <see cref="TurnRunner"/> runs the turn.
/// </summary>
/// <remarks>
/// What happens to a turn:
/// <list type="number">
/// <item><b>Begin</b> (<c>ConversationGrain.Begin.cs</c>): the tenant admits the turn, and the turn enters the queue. A turn that has to wait is saved before
/// its client is answered.</item>
/// <item><b>Send</b> (<c>ConversationGrain.Queue.cs</c>, <c>TurnRunner.cs</c>): background work takes the first turn of the queue, gets a lease, saves the
/// intent, and sends the prompt.</item>
/// <item><b>Deltas</b>: the runner reads the exchange into the <see cref="ReplyLog"/>, and <see cref="LiveTurn.Publish"/> delivers what is new. If the
/// turn can be resumed, nothing is delivered before the upstream's ids are saved.</item>
/// <item><b>Error</b>: as long as there is no text, the runner may retry on the same bot, or try another account or bot. After that, the error ends the
/// turn.</item>
/// <item><b>Cancellation</b>: a client cancels, or a turn has had no subscriber for a while. The wait for the upstream ends, and the exchange is cancelled
/// there.</item>
/// <item><b>Timeout</b>: <see cref="TurnDeadline"/> ends the wait in the same way, and the turn fails.</item>
/// <item><b>End</b> (<c>ConversationGrain.Queue.cs</c>): the end is saved, then delivered; the tenant's accounting is settled; the next turn starts.</item>
/// <item><b>Crash</b> (<c>ConversationGrain.Resume.cs</c>, <c>TurnRunner.Resume.cs</c>): the next activation reads the reply again from the upstream. Without
/// saved ids nobody knows whether the prompt arrived: the turn fails, and the prompt is not sent again.</item>
/// </list>
/// </remarks>
[GrainType("conversation"), PreferLocalPlacement, CollectionAgeLimit(Minutes = 2)]
public sealed partial class ConversationGrain : Grain, IConversationGrain
{
    internal const string StateName = "conversation";

    private static readonly TimeSpan TimerPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewalInterval = LeaseRequest.Lifetime / 3;

    private readonly IPersistentState<ConversationState> _state;
    private readonly BackgroundWork _work;
    private readonly ReplyFeeds _feeds;
    private readonly TimeProvider _time;
    private readonly ConversationOptions _options;
    private readonly ILogger _logger;
    private readonly StateSaver<ConversationState> _saver;
    private readonly TurnLeases _leases;
    private readonly TurnRunner _runner;
    private readonly IFleetView _fleet;

    /// <summary>Turns that are queued or running, and ended turns that have a subscriber or were just read.</summary>
    private readonly Dictionary<string, LiveTurn> _liveTurns = [];

    private IDisposable? _timer;

    /// <summary>Called by Orleans.</summary>
    public ConversationGrain(
        [PersistentState(StateName)] IPersistentState<ConversationState> state,
        BackgroundWork work,
        ReplyFeeds feeds,
        IEnumerable<IUpstream> upstreams,
        IFleetView fleet,
        TimeProvider time,
        ConversationOptions options,
        NonResumableTurns nonResumableTurns,
        ILogger<ConversationGrain> logger)
    {
        _state = state;
        _work = work;
        _feeds = feeds;
        _time = time;
        _options = options;
        _logger = logger;
        _saver = new StateSaver<ConversationState>(state, work);
        _leases = new TurnLeases(state, GrainFactory, time, logger);
        _runner = new TurnRunner(
            state, work.Key, GrainFactory, fleet, _saver, upstreams.ToFrozenDictionary(upstream => upstream.Name), time, options, nonResumableTurns, _leases,
            logger);
        _fleet = fleet;
    }

    private ConversationState State => _state.State;

    private bool IsNamed => State.Name is not null;

    private IConversationIndexGrain Index => GrainFactory.Grain<IConversationIndexGrain>(State.TenantId);

    private IRunningTurnsGrain RunningTurns => GrainFactory.Grain<IRunningTurnsGrain>(GrainKeys.RunningTurns(_work.Key));

    /// <inheritdoc />
    public Task Subscribe(string tenantId, string turnId, Subscription subscription)
    {
        RequireTurn(tenantId, turnId).Subscribe(subscription, _feeds.To(subscription.Feed));
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Unsubscribe(string turnId, string subscriptionId)
    {
        if (_liveTurns.TryGetValue(turnId, out var turn)) turn.Unsubscribe(subscriptionId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars)
    {
        var turn = RequireTurn(tenantId, turnId);
        turn.MarkActive();
        return Task.FromResult(turn.Read(after, maxChars));
    }

    /// <inheritdoc />
    public Task Cancel(string tenantId, string turnId) => Cancel(RequireTurn(tenantId, turnId));

    /// <inheritdoc />
    public Task<TurnSnapshot> GetTurn(string tenantId, string turnId) => Task.FromResult(RequireTurn(tenantId, turnId).CreateSnapshot(State.Name));

    /// <inheritdoc />
    public Task<ConversationSnapshot> GetConversation(string tenantId)
    {
        RequireOwner(tenantId);
        var turns = State.Turns.Select(record => FindTurn(record.TurnId)).OfType<LiveTurn>();
        return Task.FromResult(new ConversationSnapshot(CreateSummary(), [.. turns.Select(turn => turn.CreateSnapshot(State.Name))]));
    }

    /// <inheritdoc />
    public async Task Rename(string tenantId, string title)
    {
        RequireOwner(tenantId);
        State.Title = title;
        await _saver.Save();
        await UpdateIndex();
    }

    /// <inheritdoc />
    public async Task Delete(string tenantId)
    {
        if (State.TenantId != tenantId) return;
        // Cancellation is requested for all turns first, and the running turn is cancelled last: otherwise a waiting turn would start when the one before it
        // ends.
        foreach (var turn in _liveTurns.Values) turn.RequestCancel();
        foreach (var turn in _liveTurns.Values.OrderBy(turn => turn == _runningTurn).ToList())
        {
            await Cancel(turn);
            await turn.Ended;
        }
        if (State.Name is { } name) await Index.Remove(name);
        _liveTurns.Clear();
        await _saver.Clear();
        _work.Deactivate("The conversation was deleted.");
    }

    private void EnsureTimer() => _timer ??= this.StartTimer(TimerPeriod, TimerPeriod, OnTimer);

    /// <summary>
    /// Runs every second while there are live turns: saves before the retention ends, sends heartbeats, renews leases, and cancels turns without a subscriber.
    /// </summary>
    private async Task OnTimer(CancellationToken cancellationToken)
    {
        var isNeeded = _isQueueRunning;
        // The storage deletes a state that was not saved for its retention, even if a turn runs.
        if (_isQueueRunning && _state.RecordExists && _time.GetElapsedTime(_retentionRefreshedAt) >= _options.UnnamedRetention / 2)
        {
            _retentionRefreshedAt = _time.GetTimestamp();
            await _saver.Save();
        }
        foreach (var (id, turn) in _liveTurns.ToArray())
        {
            turn.SendHeartbeats(_options.HeartbeatInterval);
            if (turn.Record.EndedAt is not null)
            {
                // An ended turn can be loaded from its record again.
                if (!turn.HasSubscribers) _liveTurns.Remove(id);
                continue;
            }
            isNeeded = true;
            if (!turn.Record.Survive && !turn.IsCancelRequested && turn.IdleTime > _options.SubscriberGrace) _work.Run(_ => Cancel(turn));
            if (_time.GetElapsedTime(turn.RenewedAt) >= RenewalInterval) await _leases.Renew(turn);
        }
        if (isNeeded || _isBeginning || _liveTurns.Count > 0) return;
        _timer?.Dispose();
        _timer = null;
        // A conversation without a name is seldom read again, and then from the storage. If thousands of them a second stayed active until they are idle, they
        // would fill the memory.
        if (!IsNamed && _state.RecordExists) _work.Deactivate("A conversation without a name has no running turn.");
    }

    private void RequireOwner(string tenantId)
    {
        if (State.TenantId != tenantId) throw new ClusterException(ErrorCode.NotFound, "The conversation does not exist or has expired.");
    }

    private LiveTurn RequireTurn(string tenantId, string turnId) =>
        (State.TenantId == tenantId ? FindAndKeepTurn(turnId) : null)
        ?? throw new ClusterException(ErrorCode.NotFound, "The turn does not exist or has expired.");

    /// <summary>Finds a turn and keeps it in memory while it has a subscriber.</summary>
    private LiveTurn? FindAndKeepTurn(string turnId)
    {
        if (FindTurn(turnId) is not { } turn) return null;
        _liveTurns[turnId] = turn;
        EnsureTimer();
        return turn;
    }

    /// <summary>The turn in memory, or else an ended turn loaded from its record; null if there is none.</summary>
    private LiveTurn? FindTurn(string turnId)
    {
        if (_liveTurns.TryGetValue(turnId, out var live)) return live;
        if (State.Turns.Find(record => record.TurnId == turnId) is not { End: { } end } ended || HasExpired(ended)) return null;
        var turn = new LiveTurn(ended, ReplyLog.FromStored(ended.Parts, ended.Rewrites, end), _time);
        turn.MarkEnded();
        return turn;
    }

    private ConversationSummary CreateSummary() => new(State.Name ?? "", State.Title, State.CreatedAt, State.LastUsedAt, State.Turns.Count);

    private Task UpdateIndex() => IsNamed ? Index.Update(CreateSummary()) : Task.CompletedTask;
}
