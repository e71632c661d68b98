namespace CozeCluster.Grains;

// How a turn is admitted and enters the queue.
public sealed partial class ConversationGrain
{
    /// <summary>Whether a call of <see cref="Begin"/> runs: the timer must not deactivate the conversation meanwhile.</summary>
    private bool _isBeginning;

    /// <inheritdoc />
    public async Task Begin(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default)
    {
        if ((await Start(request, subscription, cancellationToken)).Refusal is { } refusal) throw refusal.ToException();
    }

    /// <inheritdoc />
    public async Task<TurnStart> Start(TurnRequest request, Subscription subscription, CancellationToken cancellationToken = default)
    {
        _isBeginning = true;
        try
        {
            return await AdmitAndEnqueue(request, subscription, cancellationToken);
        }
        finally
        {
            _isBeginning = false;
        }
    }

    private async Task<TurnStart> AdmitAndEnqueue(TurnRequest request, Subscription subscription, CancellationToken cancellationToken)
    {
        ThrowIfNotLoaded();
        var opens = _memory.TenantId.Length == 0;
        if (!opens) RequireOwner(request.TenantId);
        // Otherwise whoever comes first could take the name of another tenant's conversation, with an id that names it.
        if (!_fleet.Ids.Accepts(_work.Key, request, opens))
        {
            if (opens) DeactivateUnopened();
            throw ConversationNotFound();
        }
        if (opens) _memory.Claim(request, _time.GetUtcNow());
        var (known, expiredRow) = await FindAndKeepTurn(request.TurnId);
        if (known is not null)
        {
            if (known.Progress.Fingerprint != request.Fingerprint)
            {
                throw new ClusterException(
                    ErrorCode.IdempotencyMismatch,
                    "This Idempotency-Key was used before with another request. Use a new key for a new request.",
                    "Idempotency-Key");
            }
            known.Subscribe(subscription, _feeds.To(subscription.Feed), _logger);
            return new TurnStart(null, null);
        }
        if (_queue.Count >= _options.MaxQueuedTurns && _isQueueRunning)
        {
            throw new ClusterException(
                ErrorCode.ConversationBusy,
                $"{_queue.Count} turns of this conversation are waiting already. Retry when one of them has ended.",
                until: _time.GetUtcNow() + TimeSpan.FromSeconds(2));
        }

        var answered = await FindAnswered(request);
        // The model pool picks a bot while the tenant admits the turn.
        var pick = _isQueueRunning ? null : _leases.PickBot(request, answered);
        var keepsPrompt = StoresPrompts();
        var rowId = _store.NewTurnRowId();
        (Admission Admission, ReservedTurn? Reserved)? result = null;
        try
        {
            result = await AdmitAndReserve(rowId, request, cancellationToken);
        }
        finally
        {
            // A conversation whose first turn was refused is not called again.
            if (result is not { Admission.Refusal: null } && _memory.StoredTurns == 0 && _liveTurns.Count == 0) _work.Deactivate("The only turn was refused.");
        }
        var (admission, reserved) = result.Value;
        if (admission.Refusal is not null) return new TurnStart(admission.Refusal, admission.Rates);

        // Without a limit, a language model could write more than is reserved, and the rest would not be charged.
        if (reserved is not null && request.Settings.MaxOutputTokens is null && _fleet.HasLanguageModel(request.TenantId, request.Model))
            request = request with { Settings = request.Settings with { MaxOutputTokens = (int)TurnEstimate.DefaultOutput } };
        if (expiredRow != 0) await _writer.Remove(expiredRow);
        var turn = CreateTurn(rowId, request, keepsPrompt, reserved);
        (turn.Answered, turn.FirstPick) = (answered, pick);
        _liveTurns[request.TurnId] = turn;
        GrainMetrics.TurnStarted(request.Model);
        turn.Subscribe(subscription, _feeds.To(subscription.Feed), _logger);
        _queue.AddLast(turn);
        // This call accepts a turn that runs later. It is saved first, so that it runs even if the node fails.
        if (_isQueueRunning) await SaveWaitingTurn(turn, subscription.Id);
        EnsureQueueRuns();
        return new TurnStart(null, admission.Rates);
    }

    /// <summary>Reserves in the turn's budgets while the tenant admits the turn.</summary>
    private async Task<(Admission, ReservedTurn?)> AdmitAndReserve(long rowId, TurnRequest request, CancellationToken cancellationToken)
    {
        var reserving = _ledger.Reserve(rowId, request, _memory.LastTokens);
        var isAdmitted = false;
        Admission? admission = null;
        try
        {
            admission = await Admit(request, cancellationToken);
            var reserved = await reserving;
            isAdmitted = admission.Refusal is null;
            return (admission, reserved);
        }
        catch (ClusterException exception) when (exception.Code == ErrorCode.QuotaExceeded)
        {
            TurnMetrics.Refused("budget", exception.Code);
            return (new Admission(exception.ToError(), admission?.Rates), null);
        }
        finally
        {
            if (!isAdmitted && reserving is not { IsCompletedSuccessfully: true, Result: null }) _work.Run(_ => Release(rowId, request.TenantId, reserving));
            if (!isAdmitted && admission is { Refusal: null }) _work.Run(_ => _leases.Settle(request.TurnId, null));
        }
    }

    /// <summary>Releases what was reserved for a turn that does not begin.</summary>
    private async Task Release(long rowId, string tenantId, Task<ReservedTurn?> reserving)
    {
        await Task.WhenAny(reserving);
        if (reserving.IsCompletedSuccessfully && await reserving is { } reserved) await _ledger.Settle(tenantId, rowId, reserved.Charge);
    }

    private async Task<Admission> Admit(TurnRequest request, CancellationToken cancellationToken)
    {
        if (_fleet.HasLimits(request.TenantId, request.KeyName))
            return await _leases.AdmitWithin(TurnTerms.Of(request, _fleet.HasLanguageModel(request.TenantId, request.Model)), cancellationToken);
        await _leases.Admit(request.TurnId, cancellationToken);
        return new Admission(null, null);
    }

    private LiveTurn CreateTurn(long rowId, TurnRequest request, bool keepsPrompt, ReservedTurn? reserved)
    {
        var progress = new TurnProgress
        {
            Row = new TurnRow
            {
                Id = rowId,
                Version = 0,
                TurnId = request.TurnId,
                TenantId = request.TenantId,
                KeyName = request.KeyName,
                User = request.User,
                Model = request.Model,
                Status = TurnStatus.Queued,
                CreatedAt = _time.GetUtcNow(),
                IsHistory = _memory.IsNamed,
                Details = [],
            },
            Fingerprint = request.Fingerprint,
            Survive = request.Survive,
            Request = request,
            KeepsPrompt = keepsPrompt,
            Charge = reserved?.Charge,
            InputEstimate = reserved?.InputEstimate ?? 0,
            Price = reserved?.Price,
            IsFirst = _memory.StoredTurns == 0 && _liveTurns.Count == 0,
        };
        progress.SelectPrompt(_memory.InstructionsHash);
        return new LiveTurn(progress, new ReplyLog(_options.MaxReplyChars, _options.MaxReplyParts), _time);
    }

    private async Task SaveWaitingTurn(LiveTurn turn, string subscriptionId)
    {
        try
        {
            // A turn that has begun is stored with those that wait for it: after a crash it must not be missing before them.
            await _writer.Save([.. UnstoredTurns()]);
        }
        catch (Exception exception)
        {
            // The client receives an error, so the turn must not be sent later. If it has started meanwhile, the client receives its reply instead.
            if (_queue.Remove(turn))
            {
                turn.Unsubscribe(subscriptionId);
                _liveTurns.Remove(turn.Progress.TurnId);
                RecordEnd(turn, new ReplyFailed(TurnErrors.NotSaved, null));
                turn.MarkEnded();
                _work.Run(_ => _leases.Settle(turn.Progress.TurnId, null));
                throw;
            }
            if (exception is ClusterException { Code: ErrorCode.StateConflict }) throw;
        }
    }

    /// <summary>Finds the ended turn whose tool calls a request answers; null if it answers none, or if that turn has not ended.</summary>
    /// <exception cref="ClusterException">There is no such turn, or it waits for no such result.</exception>
    private async ValueTask<AnsweredTurn?> FindAnswered(TurnRequest request)
    {
        if (request.ToolOutputs.Count == 0) return null;
        var turnId = PromptBuilder.FindAnsweredTurn(request);
        if (turnId is not null && _liveTurns.TryGetValue(turnId, out var live) && live.Progress.EndedAt is null) return null;
        var answered = turnId is null ? null
            : _liveTurns.TryGetValue(turnId, out live)
                ? new AnsweredTurn(turnId, live.Progress.Handle, live.Log.Parts) { Upstream = live.Progress.Row.Upstream }
            : await _reader.FindAnswered(turnId);
        if (turnId is not null && answered is null) throw new ClusterException(ErrorCode.NotFound, "The turn does not exist or has expired.");
        PromptBuilder.VerifyToolOutputs(request, answered);
        return answered;
    }

    /// <summary>Whether prompts of this conversation stay stored after they were sent.</summary>
    private bool StoresPrompts() => _memory.IsNamed && _fleet.FindTenant(_memory.TenantId) is not { StoreConversations: false };
}
