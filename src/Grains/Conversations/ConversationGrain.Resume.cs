namespace CozeCluster.Grains;

// What happens to turns when the grain activates after a crash or a stop of its node, and when it is deactivated.
public sealed partial class ConversationGrain
{
    /// <summary>Puts stored turns that have not ended into the queue: the runner sends those without an intent and resumes those with a handle.</summary>
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        var hasEndedTurns = false;
        foreach (var record in State.Turns.Where(record => record.Status is TurnStatus.Queued or TurnStatus.Running))
        {
            // A turn that was not sent always has its prompt. One that was sent has it only where prompts are stored.
            var keepsPrompt = record.Sent ? record.Request is not null : StoresPrompts();
            var turn = new LiveTurn(record, new ReplyLog(), _time) { KeepsPrompt = keepsPrompt, IsStored = true };
            _liveTurns[record.TurnId] = turn;
            if (record is { Sent: true, Handle: null })
            {
                RecordEnd(turn, new ReplyFailed(TurnErrors.OutcomeUnknown, null));
                turn.MarkEnded();
                hasEndedTurns = true;
            }
            else
            {
                _queue.AddLast(turn);
            }
        }
        if (hasEndedTurns) await _saver.Save();
        if (_queue.Count > 0) EnsureQueueRuns();
    }

    /// <summary>Stops all work. A resumable turn stays as it is saved, for the next activation; any other running turn ends with an error.</summary>
    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _work.StopAsync();
        // The next activation sends a stored turn that was not sent, so its client must not be told to send it again.
        var ending = _liveTurns.Values
            .Where(turn => turn is { Record.Status: TurnStatus.Running, IsResumable: false } and not { IsStored: true, Record.Sent: false })
            .ToList();
        foreach (var turn in ending) RecordEnd(turn, new ReplyFailed(TurnErrors.NodeStopping, null));
        try
        {
            foreach (var turn in ending) await turn.WhenDelivered().WaitAsync(cancellationToken);
        }
        finally
        {
            foreach (var turn in _liveTurns.Values) turn.NonResumableRegistration?.Dispose();
            await _saver.WhenIdle();
        }
    }

    /// <inheritdoc />
    /// <remarks>The activation that this call may cause does the work.</remarks>
    public Task<bool> Wake() => Task.FromResult(_isQueueRunning);
}
