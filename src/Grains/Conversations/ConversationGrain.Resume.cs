using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

// What happens to turns when the grain activates after a crash or a stop of its node, and when it is deactivated.
public sealed partial class ConversationGrain
{
    /// <summary>Why the conversation could not be read; null if it was read.</summary>
    private Error? _loadError;

    /// <summary>
    /// Puts stored turns that have not ended into the queue: the runner sends those without an intent, resumes those with a handle, and ends the others. An
    /// activation that cannot read its conversation only deletes it.
    /// </summary>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Nothing is stored under a key that was just created.
        if (FirstCall.Activates(this.GetGrainId())) return;
        try
        {
            if (await _store.Load(_work.Key, cancellationToken) is { } stored) await Continue(stored);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            _loadError = (CallErrors.Translate(exception) as ClusterException)?.ToError() ?? TurnErrors.Unexpected;
            LogNotLoaded(_logger, exception, _work.Key, _loadError.Code);
        }
    }

    /// <summary>
    /// Stops all work. A turn that is stored and can be continued stays as it is stored, for the next activation. Any other turn ends with an error.
    /// </summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        try
        {
            await _writer.WhenIdle().WaitAsync(cancellationToken);
            var ending = _liveTurns.Values.Where(turn => turn.Progress.EndedAt is null && !CanContinue(turn)).ToList();
            foreach (var turn in ending)
            {
                RecordEnd(turn, new ReplyFailed(_writer.HasConflict ? TurnErrors.Conflict : TurnErrors.NodeStopping, null));
                // The turn may wait for the save of its intent, and nothing else ends that pause.
                turn.ResumeDelivery();
            }
            foreach (var turn in ending) await turn.WhenDelivered().WaitAsync(cancellationToken);
            if (!_writer.HasConflict) await SaveEnds(cancellationToken);
        }
        finally
        {
            foreach (var turn in _liveTurns.Values) turn.NonResumableRegistration?.Dispose();
            await _writer.WhenIdle();
        }
    }

    /// <summary>Whether the next activation continues a turn: it sends one that was not sent, and resumes one whose intent is stored.</summary>
    private static bool CanContinue(LiveTurn turn) => turn.Progress.IsStored && (turn.IsResumable || !turn.Progress.IsSent);

    /// <inheritdoc />
    /// <remarks>The activation that this call may cause does the work.</remarks>
    public Task Wake()
    {
        ThrowIfNotLoaded();
        return Task.CompletedTask;
    }

    private async Task Continue(StoredConversation stored)
    {
        if (stored.Unfinished.Any(_reader.IsTask) && await GrainFactory.Grain<IModelTaskGrain>(_work.Key).IsRunning())
        {
            // If its node fails, the next activation ends the turn.
            _work.Deactivate("A task of a model runs.");
            return;
        }
        _memory.Load(stored);
        if (stored.LastWithHandle is { } last) _reader.RestoreUpstreamConversation(last, _memory);
        var storesPrompts = stored.Unfinished.Any(turn => turn.Find(TurnContentKind.Request) is not null) && StoresPrompts();
        foreach (var unfinished in stored.Unfinished)
        {
            var turn = _reader.RestoreUnfinished(unfinished, isFirst: _memory.StoredTurns == 1, storesPrompts);
            turn.Progress.SelectPrompt(_memory.InstructionsHash);
            _liveTurns[turn.Progress.TurnId] = turn;
            _writer.AddUnfinished(turn.Progress);
            _queue.AddLast(turn);
        }
        if (_queue.Count > 0) EnsureQueueRuns();
    }

    /// <summary>Saves ends that are not stored. If that fails, their turns stay as they are stored.</summary>
    private async Task SaveEnds(CancellationToken cancellationToken)
    {
        var unsaved = _liveTurns.Values.Where(turn => turn.Progress is { EndedAt: not null, IsEndStored: false } && IsLogged(turn));
        TurnProgress[] ends = [.. unsaved.Select(turn => turn.Progress)];
        if (ends.Length == 0) return;
        try
        {
            await _writer.Save(ends).WaitAsync(cancellationToken);
        }
        catch (ClusterException exception)
        {
            LogEndNotStored(_logger, exception, ends[0].TurnId, exception.Code);
        }
    }

    /// <summary>Called first by every method. The next call activates the grain again and repeats the read.</summary>
    private void ThrowIfNotLoaded()
    {
        if (_loadError is not null) throw LoadError();
    }

    private ClusterException LoadError()
    {
        _work.Deactivate("The conversation could not be read.");
        return _loadError!.ToException();
    }

    [LoggerMessage(1112, LogLevel.Error, "Conversation {ConversationId} could not be read: {Code}. The next call repeats the read")]
    private static partial void LogNotLoaded(ILogger logger, Exception exception, string conversationId, ErrorCode code);
}
