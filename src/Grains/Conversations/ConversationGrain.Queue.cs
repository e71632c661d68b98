using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

// How the queue runs its turns one after another, and how a turn is cancelled and ends.
public sealed partial class ConversationGrain
{
    /// <summary>How long a cancellation waits for the upstream: longer than <see cref="TurnRunner"/> gives an upstream to confirm it.</summary>
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(6);

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
                _runningTurn.Record.Status = TurnStatus.Running;
                await EndTurn(_runningTurn, await _runner.Run(_runningTurn, stop));
            }
        }
        finally
        {
            _isQueueRunning = false;
            _runningTurn = null;
        }
    }

    private async Task Cancel(LiveTurn turn)
    {
        if (turn.Record.EndedAt is not null) return;
        turn.RequestCancel();
        // A waiting turn without a handle was never sent. One with a handle was sent by a node that failed: the runner finds its exchange, and cancels it at
        // the upstream.
        if (turn.Record.Handle is null && _queue.Remove(turn))
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
        if (turn.IsResumable) turn.PauseDelivery();
        RecordEnd(turn, end);
        var settled = _leases.Settle(turn.Record.TurnId, turn.Log.Usage);
        try
        {
            // A conversation without a name of which nothing is stored yet is not stored now either: its turn was never sent, or could not be resumed.
            if (IsNamed || turn.HasIntent || _state.RecordExists) await _saver.Save();
            turn.ResumeDelivery();
            if (turn.IsResumable) await RunningTurns.Remove(_work.Key);
            await _runner.ReleaseUpstream(turn);
            if (IsNamed) await UpdateIndex();
            await settled;
        }
        catch (Exception exception) when (exception is not ClusterException { Code: ErrorCode.StateConflict })
        {
            // Whatever failed, the turns that wait have to run.
            LogEndNotStored(_logger, exception, turn.Record.TurnId, (exception as ClusterException)?.Code ?? ErrorCode.Internal);
        }
        finally
        {
            turn.ResumeDelivery();
            turn.MarkEnded();
            if (turn.NonResumableRegistration is not null) _work.Run(_ => UnregisterWhenDelivered(turn));
        }
    }

    /// <summary>A node that stops waits until the subscribers of such a turn have received its end.</summary>
    private static async Task UnregisterWhenDelivered(LiveTurn turn)
    {
        await turn.WhenDelivered();
        turn.NonResumableRegistration?.Dispose();
    }

    /// <summary>Writes the end into the log and the record; does not save.</summary>
    private void RecordEnd(LiveTurn turn, ReplyEvent end)
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

    [LoggerMessage(1110, LogLevel.Error, "Turn {TurnId} ended, but its end could not be stored or reported: {Code}")]
    private static partial void LogEndNotStored(ILogger logger, Exception exception, string turnId, ErrorCode code);
}
