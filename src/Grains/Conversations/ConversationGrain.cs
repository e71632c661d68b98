using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>
/// One conversation: a queue of turns, of which one runs at a time. This class decides when a turn runs and stores how it ended.
/// <see cref="TurnRunner"/> runs the turn, <see cref="ConversationWriter"/> writes its row, and <see cref="TurnReader"/> reads turns that have ended.
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
    private static readonly TimeSpan TimerPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan RenewalInterval = LeaseRequest.Lifetime / 3;

    private readonly IConversationStore _store;
    private readonly BackgroundWork _work;
    private readonly ReplyFeeds _feeds;
    private readonly TimeProvider _time;
    private readonly ConversationOptions _options;
    private readonly ILogger _logger;
    private readonly ConversationMemory _memory = new();
    private readonly ConversationWriter _writer;
    private readonly TurnReader _reader;
    private readonly TurnLeases _leases;
    private readonly TurnRunner _runner;
    private readonly IFleetView _fleet;
    private readonly TurnLedger _ledger;

    /// <summary>
    /// Turns that are queued or running, and ended turns that have a subscriber, were just read, or are not stored. Everything else is read when it is needed.
    /// </summary>
    private readonly Dictionary<string, LiveTurn> _liveTurns = [];

    private IDisposable? _timer;

    /// <summary>Called by Orleans.</summary>
    public ConversationGrain(
        IConversationStore store,
        BackgroundWork work,
        ReplyFeeds feeds,
        IEnumerable<IUpstream> upstreams,
        IFleetView fleet,
        TimeProvider time,
        ConversationOptions options,
        NonResumableTurns nonResumableTurns,
        IRequestCredentials credentials,
        ISecretFilter secrets,
        ILogger<ConversationGrain> logger)
    {
        _store = store;
        _work = work;
        _feeds = feeds;
        _time = time;
        _options = options;
        _logger = logger;
        _fleet = fleet;
        _ledger = new TurnLedger(work.Key, GrainFactory, fleet, logger);
        _writer = new ConversationWriter(store, _memory, work, time, options, _ledger);
        _reader = new TurnReader(store, work.Key, time, options, logger);
        _leases = new TurnLeases(_memory, GrainFactory, fleet, time, logger);
        var byName = upstreams.ToFrozenDictionary(upstream => upstream.Name);
        _runner = new TurnRunner(
            _memory, GrainFactory, fleet, _writer, _reader, byName, time, options, nonResumableTurns, _leases, credentials, new ContentExport(fleet, secrets),
            logger);
    }

    /// <inheritdoc />
    public async Task Subscribe(string tenantId, string turnId, Subscription subscription) =>
        (await RequireTurn(tenantId, turnId)).Subscribe(subscription, _feeds.To(subscription.Feed), _logger);

    /// <inheritdoc />
    public Task Unsubscribe(string turnId, string subscriptionId)
    {
        if (_liveTurns.TryGetValue(turnId, out var turn)) turn.Unsubscribe(subscriptionId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public async Task<ReplyBatch> Read(string tenantId, string turnId, Cursor after, int maxChars)
    {
        var turn = await RequireTurn(tenantId, turnId);
        turn.MarkActive();
        return turn.Read(after, maxChars);
    }

    /// <inheritdoc />
    public async Task Cancel(string tenantId, string turnId) => await Cancel(await RequireTurn(tenantId, turnId));

    /// <inheritdoc />
    public async Task<TurnSnapshot> GetTurn(string tenantId, string turnId) => (await RequireTurn(tenantId, turnId)).CreateSnapshot(_memory.Name);

    /// <inheritdoc />
    public async Task<ConversationSnapshot> GetConversation(string tenantId)
    {
        RequireOwner(tenantId);
        var stored = _memory.StoredTurns == 0 ? [] : await _reader.ReadLast(_options.MaxStoredTurns);
        // Turns in memory are newer than what was read.
        var turns = _liveTurns.Values.ToDictionary(turn => turn.Progress.Row.Id);
        foreach (var row in stored)
        {
            if (row.Row.EndedAt is null || turns.ContainsKey(row.Row.Id) || _reader.HasExpired(row)) continue;
            if (_reader.TryRestoreEnded(row) is { } turn) turns[row.Row.Id] = turn;
        }
        return new ConversationSnapshot(CreateSummary(), [.. turns.OrderBy(turn => turn.Key).Select(turn => turn.Value.CreateSnapshot(_memory.Name))]);
    }

    /// <inheritdoc />
    public Task<ConversationPlace?> FindPlace(string tenantId)
    {
        ThrowIfNotLoaded();
        DeactivateUnopened();
        var (isOwn, known) = (_memory.TenantId == tenantId, _memory.UpstreamConversation);
        return Task.FromResult(isOwn ? new ConversationPlace(known?.BotId, known?.AccountId, _memory.LastTokens) : null);
    }

    /// <inheritdoc />
    public async Task Rename(string tenantId, string title)
    {
        RequireOwner(tenantId);
        // The head is stored with the first turn of a conversation, which may run without being stored.
        if (_memory.Head is null) await _writer.Save([.. UnstoredTurns()]);
        if (_memory.Head is null) throw ConversationNotFound();
        await _writer.SaveTitle(title);
    }

    /// <inheritdoc />
    public async Task Delete(string tenantId)
    {
        if (_loadError is null)
        {
            RequireOwner(tenantId);
            // Cancellation is requested for all turns first, and the running turn is cancelled last: otherwise a waiting turn would start when the one before
            // it ends.
            foreach (var turn in _liveTurns.Values) turn.RequestCancel();
            foreach (var turn in _liveTurns.Values.OrderBy(turn => turn == _runningTurn).ToList())
            {
                await Cancel(turn);
                await turn.Ended;
            }
            _liveTurns.Clear();
        }
        else if (!GrainKeys.IsNamedConversation(_work.Key))
        {
            // The tenant is known only from what could not be read.
            throw LoadError();
        }
        await _writer.Delete();
        _work.Deactivate("The conversation was deleted.");
    }

    private void EnsureTimer() => _timer ??= this.StartTimer(TimerPeriod, TimerPeriod, OnTimer);

    /// <summary>
    /// Runs every second while turns run or have subscribers: stores the head before its retention ends, sends heartbeats, renews leases, and cancels turns
    /// without a subscriber. It waits for nothing: a slow save or a slow bot must not stop the heartbeats.
    /// </summary>
    private Task OnTimer(CancellationToken cancellationToken)
    {
        var isNeeded = _isQueueRunning;
        // The storage deletes a conversation whose head has expired, even if a turn runs.
        var retention = _memory.IsNamed ? _options.NamedRetention : _options.UnnamedRetention;
        if (_isQueueRunning && _memory.Head is not null && _time.GetElapsedTime(_retentionRefreshedAt) >= retention / 2)
        {
            _retentionRefreshedAt = _time.GetTimestamp();
            _work.Run(_ => _writer.KeepHead());
        }
        foreach (var (id, turn) in _liveTurns.ToArray())
        {
            turn.SendHeartbeats(_options.HeartbeatInterval);
            if (turn.Progress.EndedAt is not null)
            {
                // An ended turn can be read again if it is stored.
                if (turn.HasSubscribers) isNeeded = true;
                else if (turn.Progress.IsEndStored) _liveTurns.Remove(id);
                continue;
            }
            isNeeded = true;
            if (!turn.Progress.Survive && !turn.IsCancelRequested && turn.IdleTime > _options.SubscriberGrace) _work.Run(_ => Cancel(turn));
            if (!turn.IsRenewing && _time.GetElapsedTime(turn.RenewedAt) >= RenewalInterval) StartRenewal(turn);
        }
        if (isNeeded || _isBeginning) return Task.CompletedTask;
        _timer?.Dispose();
        _timer = null;
        // A conversation without a name is seldom read again, and then from the storage. If thousands of them a second stayed active until they are idle, they
        // would fill the memory.
        if (!_memory.IsNamed && _memory.StoredTurns > 0 && _liveTurns.Count == 0) _work.Deactivate("A conversation without a name has no running turn.");
        return Task.CompletedTask;
    }

    private void StartRenewal(LiveTurn turn)
    {
        turn.RenewedAt = _time.GetTimestamp();
        turn.IsRenewing = true;
        _work.Run(async stop =>
        {
            try
            {
                if (turn.Progress.EndedAt is null) await _leases.Renew(turn).WaitAsync(stop);
            }
            finally
            {
                turn.IsRenewing = false;
            }
        });
    }

    private void RequireOwner(string tenantId)
    {
        ThrowIfNotLoaded();
        if (_memory.TenantId == tenantId) return;
        DeactivateUnopened();
        throw ConversationNotFound();
    }

    /// <summary>Nothing is stored under this key. Activations that only say so would fill the memory.</summary>
    private void DeactivateUnopened()
    {
        if (_memory.TenantId.Length == 0) _work.Deactivate("Nothing is stored under this key.");
    }

    private async ValueTask<LiveTurn> RequireTurn(string tenantId, string turnId)
    {
        ThrowIfNotLoaded();
        if (_memory.TenantId == tenantId && (await FindAndKeepTurn(turnId)).Turn is { } turn) return turn;
        DeactivateUnopened();
        throw new ClusterException(ErrorCode.NotFound, "The turn does not exist or has expired.");
    }

    /// <summary>
    /// Finds a turn in memory, or else an ended one in the storage, and keeps it in memory while it has a subscriber. Calls that read the same turn at the same
    /// time get the same object.
    /// </summary>
    /// <returns>The turn, or null. If the storage still has an expired turn with this id, also the id of its row.</returns>
    /// <exception cref="ClusterException">The turn's stored data is damaged, or the storage failed.</exception>
    private async ValueTask<(LiveTurn? Turn, long ExpiredRow)> FindAndKeepTurn(string turnId)
    {
        if (!_liveTurns.TryGetValue(turnId, out var turn))
        {
            var stored = _memory.StoredTurns == 0 ? null : await _reader.Find(turnId);
            if (!_liveTurns.TryGetValue(turnId, out turn))
            {
                if (stored is null) return default;
                if (_reader.HasExpired(stored)) return (null, stored.Row.Id);
                // All turns that have not ended are in memory, except those of another activation.
                if (stored.Row.EndedAt is null) throw _writer.ReportConflict();
                turn = _reader.TryRestoreEnded(stored) ?? throw TurnReader.Damage.ToException();
                _liveTurns[turnId] = turn;
            }
        }
        EnsureTimer();
        return (turn, 0);
    }

    private IEnumerable<TurnProgress> UnstoredTurns() =>
        _liveTurns.Values.Where(turn => turn.Progress is { IsStored: false, EndedAt: null }).Select(turn => turn.Progress);

    private ConversationSummary CreateSummary()
    {
        var unstored = UnstoredTurns().ToList();
        var lastUsedAt = unstored.Select(turn => turn.Row.CreatedAt).Append(_memory.Head?.LastUsedAt ?? _memory.CreatedAt).Max();
        return new ConversationSummary(
            _memory.Name ?? "", _memory.Head?.Title, _memory.CreatedAt, lastUsedAt, _memory.StoredTurns + unstored.Count);
    }

    private static ClusterException ConversationNotFound() => new(ErrorCode.NotFound, "The conversation does not exist or has expired.");
}
