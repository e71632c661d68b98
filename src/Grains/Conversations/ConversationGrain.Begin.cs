namespace CozeCluster.Grains;

// How a turn is admitted and enters the queue.
public sealed partial class ConversationGrain
{
    /// <summary>Whether a call of <see cref="Begin"/> runs: the timer must not deactivate the conversation meanwhile.</summary>
    private bool _isBeginning;

    /// <inheritdoc />
    public async Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default)
    {
        _isBeginning = true;
        try
        {
            await AdmitAndEnqueue(request, subscription, cancellationToken);
        }
        finally
        {
            _isBeginning = false;
        }
    }

    private async Task AdmitAndEnqueue(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        if (State.TenantId.Length == 0) InitializeState(request);
        else RequireOwner(request.TenantId);
        if (FindAndKeepTurn(request.TurnId) is { } known)
        {
            if (known.Record.Fingerprint != request.Fingerprint)
            {
                throw new ClusterException(
                    ErrorCode.IdempotencyMismatch,
                    "This Idempotency-Key was used before with another request. Use a new key for a new request.",
                    "Idempotency-Key");
            }
            known.Subscribe(subscription, _feeds.To(subscription.Feed));
            return;
        }
        if (_queue.Count >= _options.MaxQueuedTurns && _isQueueRunning)
        {
            throw new ClusterException(
                ErrorCode.ConversationBusy,
                $"{_queue.Count} turns of this conversation are waiting already. Retry when one of them has ended.",
                until: _time.GetUtcNow() + TimeSpan.FromSeconds(2));
        }

        // The model pool picks a bot while the tenant admits the turn.
        var pick = _isQueueRunning ? null : _leases.PickBot(request);
        var keepsPrompt = StoresPrompts();
        try
        {
            await _leases.Admit(request.TurnId, cancellationToken);
        }
        catch
        {
            // A conversation whose first turn was refused is not called again.
            if (State.Turns.Count == 0 && !_state.RecordExists) _work.Deactivate("The only turn was refused.");
            throw;
        }

        RemoveOldTurns();
        var now = _time.GetUtcNow();
        var record = new TurnRecord
        {
            TurnId = request.TurnId,
            Model = request.Model,
            Status = TurnStatus.Queued,
            CreatedAt = now,
            Fingerprint = request.Fingerprint,
            Survive = request.Survive,
            Request = request,
        };
        State.LastUsedAt = now;
        State.Turns.Add(record);
        var turn = new LiveTurn(record, new ReplyLog(), _time) { KeepsPrompt = keepsPrompt, FirstPick = pick };
        _liveTurns[request.TurnId] = turn;
        GrainMetrics.TurnStarted(record.Model);
        turn.Subscribe(subscription, _feeds.To(subscription.Feed));
        _queue.AddLast(turn);
        // This call accepts a turn that runs later. It is saved first, so that it runs even if the node fails.
        if (_isQueueRunning) await SaveWaitingTurn(turn, subscription.Id);
        EnsureQueueRuns();
    }

    private async Task SaveWaitingTurn(LiveTurn turn, string subscriptionId)
    {
        // The save stores all turns of the state, also one that has begun but is not sent yet.
        var turns = _liveTurns.Values.ToList();
        try
        {
            await _saver.Save();
            foreach (var stored in turns) stored.IsStored = true;
        }
        catch (Exception exception)
        {
            // The client receives an error, so the turn must not be sent later. If it has started meanwhile, the client receives its reply instead.
            if (_queue.Remove(turn))
            {
                turn.Unsubscribe(subscriptionId);
                _liveTurns.Remove(turn.Record.TurnId);
                State.Turns.Remove(turn.Record);
                await EndTurn(turn, new ReplyFailed(TurnErrors.NotSaved, null));
                throw;
            }
            if (exception is ClusterException { Code: ErrorCode.StateConflict }) throw;
        }
    }

    private void InitializeState(TurnRequest request)
    {
        State.TenantId = request.TenantId;
        State.Name = request.ConversationName;
        State.CreatedAt = _time.GetUtcNow();
    }

    /// <summary>Whether prompts stay in this conversation's state after they were sent.</summary>
    private bool StoresPrompts() => IsNamed && _fleet.FindTenant(State.TenantId) is not { StoreConversations: false };

    /// <summary>Makes room for one turn: removes expired turns, and then the oldest ended ones.</summary>
    private void RemoveOldTurns()
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

    /// <summary>
    /// Whether a turn without its prompt is too old. Such turns are stored only so that a client that lost its connection can read the reply.
    /// </summary>
    private bool HasExpired(TurnRecord record) => record is { EndedAt: { } ended, Request: null } && ended + _options.UnnamedRetention <= _time.GetUtcNow();
}
