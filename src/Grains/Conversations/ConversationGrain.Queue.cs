using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

// How the queue runs its turns one after another, and how a turn is cancelled and ends.
public sealed partial class ConversationGrain
{
    /// <summary>How long a cancellation waits for the upstream: longer than <see cref="TurnRunner"/> gives an upstream to confirm it.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(6);

    /// <summary>How often the save of an end is repeated, with a delay that doubles each time.</summary>
    private const int MaxEndSaves = 5;

    private static readonly TimeSpan EndSaveDelay = TimeSpan.FromSeconds(1);

    /// <summary>Turns that wait, in the order in which they run. The running turn is not among them.</summary>
    private readonly LinkedList<LiveTurn> _queue = [];

    private LiveTurn? _runningTurn;
    private bool _isQueueRunning;
    private long _retentionRefreshedAt;

    private void EnsureQueueRuns()
    {
        EnsureTimer();
        if (_isQueueRunning) return;
        _isQueueRunning = true;
        _retentionRefreshedAt = _time.GetTimestamp();
        _work.Run(RunQueue);
    }

    private async Task RunQueue(CancellationToken stop)
    {
        try
        {
            while (_queue.First is { } first)
            {
                stop.ThrowIfCancellationRequested();
                _queue.RemoveFirst();
                _runningTurn = first.Value;
                _runningTurn.Progress.Status = TurnStatus.Running;
                await RunTurn(_runningTurn, stop);
            }
        }
        finally
        {
            _isQueueRunning = false;
            _runningTurn = null;
        }
    }

    private async Task RunTurn(LiveTurn turn, CancellationToken stop)
    {
        using var span = TurnSpans.BeginTurn(turn.Progress);
        using var running = TurnMetrics.BeginRun(turn);
        await EndTurn(turn, await _runner.Run(turn, stop));
        TurnSpans.EndTurn(span, turn);
    }

    private async Task Cancel(LiveTurn turn)
    {
        if (turn.Progress.EndedAt is not null) return;
        turn.RequestCancel();
        // A turn in the queue may have been sent by a node that failed: the runner finds its exchange, and cancels it at the upstream.
        if (!turn.Progress.IsSent && _queue.Remove(turn))
        {
            await EndTurn(turn, new ReplyFailed(TurnErrors.Cancelled, null));
            return;
        }
        try
        {
            await turn.Ended.WaitAsync(CancelTimeout, _time);
        }
        catch (TimeoutException)
        {
            // The upstream confirms slowly. The turn ends in the background.
        }
    }

    /// <summary>Saves how a turn ended, delivers the end, and returns what the turn held of others.</summary>
    private async Task EndTurn(LiveTurn turn, ReplyEvent end)
    {
        // No subscriber receives an end that is not saved: a client that asks again after a crash would find the turn still running.
        if (_options.DurableTurns) turn.PauseDelivery();
        RecordEnd(turn, end);
        var settled = _leases.Settle(turn.Progress.TurnId, turn.Log.Usage);
        try
        {
            if (IsLogged(turn)) await _writer.Save(turn.Progress);
            turn.ResumeDelivery();
            // Released only now: until its row says what it uses, the turn uses what was reserved.
            var released = _ledger.Settle(_memory.TenantId, turn.Progress.Row.Id, turn.Progress.Charge);
            await _runner.ReleaseUpstream(turn);
            await settled;
            await released;
        }
        catch (Exception exception) when (exception is not ClusterException { Code: ErrorCode.StateConflict })
        {
            // Whatever failed, the turns that wait have to run.
            LogEndNotStored(_logger, exception, turn.Progress.TurnId, (exception as ClusterException)?.Code ?? ErrorCode.Internal);
            if (!turn.Progress.IsEndStored && IsLogged(turn)) _work.Run(stop => SaveEndLater(turn, stop));
        }
        finally
        {
            turn.ResumeDelivery();
            turn.MarkEnded();
            if (turn.NonResumableRegistration is not null) _work.Run(_ => UnregisterWhenDelivered(turn));
        }
    }

    /// <summary>Repeats the save of an end a few times. After that the turn stays as it is stored, and the next activation finds out how it ended.</summary>
    private async Task SaveEndLater(LiveTurn turn, CancellationToken stop)
    {
        for (var attempt = 0; attempt < MaxEndSaves; attempt++)
        {
            await Task.Delay(EndSaveDelay * (1 << attempt), _time, stop);
            try
            {
                await _writer.Save(turn.Progress);
                EnsureTimer();
                await _ledger.Settle(turn.Progress.Row.TenantId, turn.Progress.Row.Id, turn.Progress.Charge);
                return;
            }
            catch (ClusterException exception) when (exception.Code != ErrorCode.StateConflict)
            {
                LogEndNotStored(_logger, exception, turn.Progress.TurnId, exception.Code);
            }
        }
    }

    /// <summary>
    /// Whether the end of a turn is stored. Every turn gets a row, because the rows are the log of all requests. Without durable turns, whose purpose is to
    /// measure what saves cost, a conversation without a name stores nothing.
    /// </summary>
    private bool IsLogged(LiveTurn turn) => _memory.IsNamed || _options.DurableTurns || turn.Progress.IsStored;

    /// <summary>A node that stops waits until the subscribers of such a turn have received its end.</summary>
    private static async Task UnregisterWhenDelivered(LiveTurn turn)
    {
        await turn.WhenDelivered();
        turn.NonResumableRegistration?.Dispose();
    }

    /// <summary>Writes the end into the log and the progress; does not save.</summary>
    private void RecordEnd(LiveTurn turn, ReplyEvent end)
    {
        turn.Finish(end);
        var progress = turn.Progress;
        progress.EndedAt = _time.GetUtcNow();
        progress.End = end;
        progress.Reply = turn.Log.Parts;
        progress.Rewrites = turn.Log.Rewrites;
        progress.Usage = turn.Log.Usage;
        if (progress.Charge is { } charge)
        {
            var reserved = new ReservedTurn(charge, progress.InputEstimate, progress.Price);
            progress.Charge = _ledger.ChargeOf(progress.Row, reserved, end, turn.Log.Parts, turn.Received, turn.Log.Usage);
        }
        if (progress.Usage is { } usage) _memory.LastTokens = usage.InputTokens + usage.OutputTokens;
        progress.Handle = turn.Log.Handle ?? progress.Handle;
        progress.Request = null;
        progress.Status = end switch
        {
            ReplyCompleted => TurnStatus.Completed,
            ReplyFailed { Error.Code: ErrorCode.Cancelled } => TurnStatus.Cancelled,
            _ => TurnStatus.Failed,
        };
        GrainMetrics.TurnEnded(progress.Row.Model, end, turn.Log.Usage);
        GenAiTelemetry.EndTurn(turn, end, progress.EndedAt.Value);
    }

    [LoggerMessage(1110, LogLevel.Error, "Turn {TurnId} ended, but its end could not be stored or reported: {Code}")]
    private static partial void LogEndNotStored(ILogger logger, Exception exception, string turnId, ErrorCode code);
}
