namespace CozeCluster.Grains;

// How a turn gets into the queue.
public sealed partial class ConversationGrain
{
    private bool _beginning;

    /// <inheritdoc />
    public async Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default)
    {
        _beginning = true;
        try
        {
            await Take(request, subscription, cancellationToken);
        }
        finally
        {
            _beginning = false;
        }
    }

    private async Task Take(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        if (State.TenantId.Length == 0) Open(request);
        else RequireOwner(request.TenantId);
        if (Find(request.TurnId) is { } known)
        {
            if (known.Record.Fingerprint != request.Fingerprint)
            {
                throw new ClusterException(ErrorCode.IdempotencyMismatch, "This Idempotency-Key was used before with another request.", "Idempotency-Key");
            }
            known.Observe(subscription, _feeds.To(subscription.Feed));
            return;
        }
        if (_waiting.Count >= _options.MaxQueuedTurns && _pumping)
        {
            throw new ClusterException(
                ErrorCode.ConversationBusy, $"This conversation already has {_waiting.Count} turns waiting.", until: _time.GetUtcNow() + TimeSpan.FromSeconds(2));
        }

        // The bot is looked for while the tenant is asked.
        var pick = _pumping ? null : _claims.PickAhead(request);
        var keepsPrompt = await KeepsPrompts();
        try
        {
            await _claims.Admit(request.TurnId, cancellationToken);
        }
        catch
        {
            // Nobody comes back to a conversation that was refused before it began.
            if (State.Turns.Count == 0 && !_state.RecordExists) _work.Deactivate("The only turn was refused.");
            throw;
        }

        ForgetOldTurns();
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
        _live[request.TurnId] = turn;
        GrainMetrics.TurnStarted(record.Model);
        turn.Observe(subscription, _feeds.To(subscription.Feed));
        _waiting.AddLast(turn);
        // A turn that has to wait is promised to its client, so it is durable before the client hears of it.
        if (_pumping) await Promise(turn, subscription.Id);
        StartPumping();
    }

    private async Task Promise(LiveTurn turn, string subscriptionId)
    {
        try
        {
            await _saver.Save();
        }
        catch (Exception exception)
        {
            // Its client is told that it was not taken: then it must not be sent either. If it has begun meanwhile, its client hears the rest.
            if (_waiting.Remove(turn))
            {
                turn.Unobserve(subscriptionId);
                _live.Remove(turn.Record.TurnId);
                State.Turns.Remove(turn.Record);
                await End(turn, new ReplyFailed(new Error(ErrorCode.Internal, "The turn could not be saved."), null));
                throw;
            }
            if (exception is ClusterException { Code: ErrorCode.StateConflict }) throw;
        }
    }
}
