using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Runs one turn after another for a conversation: finds a bot, sends, reads the reply into the log, and finds the exchange again when the connection or the node was lost.
/// What must be durable is saved at three places: before sending, when the exchange can be found again, and at the end.
/// </summary>
internal sealed partial class TurnRunner(
    IPersistentState<ConversationState> state,
    string conversationKey,
    IGrainFactory grains,
    StateSaver<ConversationState> saver,
    FrozenDictionary<string, IUpstream> upstreams,
    TimeProvider time,
    ConversationOptions options,
    NonResumableTurns unsaved,
    TurnLeases claims,
    ILogger logger)
{
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);
    private const int MaxAttachTries = 4;

    private ConversationState State => state.State;

    /// <summary>Runs a turn until it has ended, or until <paramref name="stop"/>: then it is left as saved, to be resumed.</summary>
    public async Task<ReplyEvent> Run(LiveTurn turn, CancellationToken stop)
    {
        try
        {
            var error = turn.Record.Handle is { } handle ? await Resume(turn, handle, stop) : await Send(turn, stop);
            if (turn.Fault is not null) error = turn.Fault;
            else if (turn.CancelRequested && error is not null) error = Cancelled;
            return error is null
                ? new ReplyCompleted(turn.Log.Finished ?? FinishReason.Stop, turn.Log.Usage, Origin(turn))
                : new ReplyFailed(error, Origin(turn));
        }
        catch (Exception exception) when (!stop.IsCancellationRequested)
        {
            var error = exception is ClusterException known ? known.ToError() : new Error(ErrorCode.Internal, "The turn failed through a defect of the server.");
            LogBroken(logger, exception, turn.Record.TurnId, error.Code);
            return new ReplyFailed(error, Origin(turn));
        }
    }

    private static Error Cancelled { get; } = new(ErrorCode.Cancelled, "The turn was cancelled.");

    /// <returns>Null once the reply is complete.</returns>
    private async Task<Error?> Send(LiveTurn turn, CancellationToken stop)
    {
        var request = turn.Record.Request ?? throw new InvalidOperationException("A turn that was not sent has its request.");
        try
        {
            return await Send(turn, request, stop);
        }
        catch (Exception) when (stop.IsCancellationRequested && turn is { HasIntent: true, WasOpened: false, CancelRequested: false })
        {
            // Put away before anything was sent: whoever comes after begins it anew.
            (turn.Record.Sent, turn.Record.Request) = (false, request);
            await saver.Save();
            throw;
        }
    }

    private async Task<Error?> Send(LiveTurn turn, TurnRequest request, CancellationToken stop)
    {
        var refused = new List<Refusal>();
        var avoid = new List<string>();
        var home = Prompt.Home(request, State);
        var (preferredBot, preferredAccount) = (home?.BotId, home?.AccountId);
        Error? last = null;
        for (var attempt = 1; attempt <= options.MaxAttempts; attempt++)
        {
            if (turn.CancelRequested) return Cancelled;
            var (lease, none) = await claims.FindBot(
                turn, request, preferredBot, refused, new LeaseRequest($"{request.TurnId}.{attempt}", avoid, preferredAccount), picked: upstream => SaveAhead(turn, upstream));
            if (lease is null) return last ?? none;

            if (attempt > 1)
            {
                await Settle(turn);
                turn.Restart();
            }
            last = await Attempt(turn, request, lease, attempt, stop);
            if (last is null || !turn.Log.IsEmpty || turn.CancelRequested || turn.Fault is not null) return last;
            LogAttemptFailed(logger, request.TurnId, attempt, lease.Bot.Id, lease.Account.Id, last.Code, last.Message);
            if (last.Code == ErrorCode.UpstreamNotFound && turn.Log.Handle is null && request.ToolOutputs.Count == 0
                && State.Home is { } lost && Prompt.LivesOn(lost, lease))
            {
                // The far side refused before it began: it may have lost just the conversation, which begins anew there, with its history.
                State.Home = null;
                preferredBot = lease.Bot.Id;
                continue;
            }
            switch (last.RecoveryAction)
            {
                case RecoveryAction.Retry:
                    (preferredBot, preferredAccount) = (lease.Bot.Id, lease.Account.Id);
                    await Task.Delay(RetryPause, time, stop);
                    break;
                case RecoveryAction.RotateAccount:
                    preferredBot = lease.Bot.Id;
                    avoid.Add(lease.Account.Id);
                    break;
                case RecoveryAction.CoolBot:
                    refused.Add(new Refusal(lease.Bot.Id, last, last.Until));
                    break;
                default:
                    return last;
            }
        }
        return last;
    }

    private async Task<Error?> Attempt(LiveTurn turn, TurnRequest request, Lease lease, int attempt, CancellationToken stop)
    {
        Error? error = null;
        try
        {
            var upstreamTurn = Prompt.For(request, State, lease) with { Attempt = attempt };
            var upstream = upstreams[lease.Bot.Upstream];
            turn.Far = (upstream, upstreamTurn);
            var durable = MayBeDurable(upstream);
            using var deadline = new TurnDeadline(time, lease.Bot.Timeouts, stop, awaitsIds: durable, nodeStops: durable ? default : unsaved.Ending);
            turn.Deadline = deadline;
            try
            {
                if (durable)
                {
                    turn.CloseGate();
                    // What failed of it while the bot was asked is tried again.
                    if (turn.Intent is { } ahead) await Task.WhenAny(ahead);
                    await SaveIntent(turn);
                }
                else
                {
                    // A try before this one may have been of the other kind.
                    turn.OpenGate();
                    turn.Hold ??= unsaved.Add();
                    // Not saved for its own sake; but where it is, with a turn that waits behind it, it must not be sent again.
                    turn.Record.Sent = true;
                }
                if (turn.CancelRequested) return Cancelled;
                deadline.Token.ThrowIfCancellationRequested();
                stop.ThrowIfCancellationRequested();
                turn.WasOpened = true;
                await using var exchange = await upstream.Open(upstreamTurn, deadline.Token);
                error = await ReadAll(turn, exchange, upstream, deadline);
                if (error is null) State.InstructionsHash = Prompt.InstructionsHash(request.Messages) ?? State.InstructionsHash;
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                error = turn.CancelRequested ? Cancelled : deadline.Error;
            }
            catch (ClusterException exception) when (MayStillRun(turn, upstream, exception))
            {
                LogLost(logger, request.TurnId, exception.Code, exception.Message);
                error = await Attach(turn, upstream, upstreamTurn, turn.Log.Handle!, deadline, stop);
            }
            catch (ClusterException exception)
            {
                error = exception.ToError();
            }
            if (error is not null && turn.Log.Failure is null) await CancelAtFarSide(turn, upstream, upstreamTurn);
        }
        finally
        {
            turn.Deadline = null;
            if (!stop.IsCancellationRequested) await claims.Return(turn, error);
        }
        return error;
    }

    private async Task<Error?> ReadAll(LiveTurn turn, IExchange exchange, IUpstream upstream, TurnDeadline deadline)
    {
        UpstreamHandle? saved = null;
        while (await exchange.WaitToRead(deadline.Token))
        {
            deadline.Progress();
            exchange.Read(turn.Log);
            if (!ReferenceEquals(turn.Log.Handle, saved))
            {
                saved = turn.Log.Handle;
                State.Home = saved;
                // A reply that is complete as soon as it is known is stored once, whole; until then nobody sees it.
                if (upstream.CanReattach && turn is { IsDurable: true, Log.Finished: null }) _ = SaveHandle(turn, saved!);
                deadline.IdsAreKnown();
            }
            // A far side that answers without having told its ids may never tell them: what cannot be found again anyway is not held back for it.
            if (saved is null && !turn.Log.IsEmpty)
            {
                turn.Hold ??= unsaved.Add();
                turn.OpenGate();
            }
            else
            {
                turn.Publish();
            }
            if (turn.CancelRequested && saved is not null) return Cancelled;
        }
        return Outcome(turn);
    }

    private static Error? Outcome(LiveTurn turn)
    {
        if (turn.Log.Failure is { } failure) return failure;
        return turn.Log.Finished is not null ? null : new Error(ErrorCode.UpstreamProtocol, "The bot's reply stopped without an end.");
    }

    /// <summary>Most bots say yes: while one is asked, it is saved that it is about to be sent the turn.</summary>
    private void SaveAhead(LiveTurn turn, string upstream)
    {
        if (upstreams.TryGetValue(upstream, out var known) && MayBeDurable(known)) _ = SaveIntent(turn);
    }

    private bool MayBeDurable(IUpstream upstream) => upstream.CanReattach && options.DurableTurns;

    /// <summary>Stores, once for each try, that the far side is about to be asked.</summary>
    private Task SaveIntent(LiveTurn turn)
    {
        // From a try that failed before it had a handle, or from when the bot was asked.
        if (turn is { HasIntent: true, Record.Handle: null }) return turn.Intent!;
        return turn.Intent = SaveNew();

        async Task SaveNew()
        {
            turn.IsDurable = true;
            turn.Record.Sent = true;
            turn.Record.Handle = null;
            if (!turn.KeepsPrompt) turn.Record.Request = null;
            var saved = saver.Save();
            if (!turn.IsRegistered) await grains.Grain<IRunningTurnsGrain>(GrainKeys.RunningTurns(conversationKey)).Add(conversationKey, turn.Record.Survive);
            turn.IsRegistered = true;
            await saved;
        }
    }

    private async Task SaveHandle(LiveTurn turn, UpstreamHandle handle)
    {
        var log = turn.Log;
        turn.Record.Handle = handle;
        try
        {
            await saver.Save();
            // By now the turn may have ended, or be on its next try: what the gate is closed for then is still to be stored.
            if (turn.Log == log && turn.Record.EndedAt is null) turn.OpenGate();
        }
        catch (Exception exception)
        {
            LogNotSaved(logger, exception, turn.Record.TurnId);
            if (turn.Log == log) turn.Break(new Error(ErrorCode.Internal, "The turn could not be saved."));
        }
    }

    private async Task CancelAtFarSide(LiveTurn turn, IUpstream upstream, UpstreamTurn upstreamTurn)
    {
        if (turn.Log.Handle is not { } handle) return;
        using var timeout = new CancellationTokenSource(CancelTimeout, time);
        try
        {
            await upstream.Cancel(upstreamTurn, handle, timeout.Token);
        }
        catch (Exception exception)
        {
            LogNotCancelled(logger, exception, turn.Record.TurnId);
        }
    }

    /// <summary>Lets the far side go of what it keeps only for this turn. To be called when the turn's end is stored.</summary>
    public async Task Settle(LiveTurn turn)
    {
        if (turn.Far is not { } far) return;
        turn.Far = null;
        if (turn.Log.Handle is not { } handle) return;
        try
        {
            await far.Upstream.Release(far.Turn, handle);
        }
        catch (Exception exception)
        {
            LogNotSettled(logger, exception, turn.Record.TurnId);
        }
    }

    private ReplyOrigin? Origin(LiveTurn turn) =>
        turn.Log.Handle is { } handle ? new ReplyOrigin(handle.BotId, handle.Upstream, handle.Ids) : null;

    /// <summary>Whether the exchange that threw may still be running at the far side, where it can be found again.</summary>
    private static bool MayStillRun(LiveTurn turn, IUpstream upstream, ClusterException exception) =>
        upstream.CanReattach && turn is { Log.Handle: not null, CancelRequested: false, Fault: null } && IsLost(exception);

    private static bool IsLost(ClusterException exception) =>
        exception.Code is ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamProtocol or ErrorCode.UpstreamFailed or ErrorCode.UpstreamRateLimited or ErrorCode.CallRejected;

    [LoggerMessage(1101, LogLevel.Error, "Turn {TurnId} broke: {Code}")]
    private static partial void LogBroken(ILogger logger, Exception exception, string turnId, ErrorCode code);

    [LoggerMessage(1102, LogLevel.Warning, "Turn {TurnId}, try {Attempt}: bot {BotId} with account {AccountId} failed with {Code}: {Message}")]
    private static partial void LogAttemptFailed(ILogger logger, string turnId, int attempt, string botId, string accountId, ErrorCode code, string message);

    [LoggerMessage(1103, LogLevel.Information, "Turn {TurnId} is looked for at bot {BotId} again")]
    private static partial void LogResuming(ILogger logger, string turnId, string botId);

    [LoggerMessage(1104, LogLevel.Warning, "Turn {TurnId} lost its connection: {Code}: {Message}")]
    private static partial void LogLost(ILogger logger, string turnId, ErrorCode code, string message);

    [LoggerMessage(1105, LogLevel.Error, "Turn {TurnId} could not be saved")]
    private static partial void LogNotSaved(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1106, LogLevel.Warning, "Turn {TurnId} could not be cancelled at the far side")]
    private static partial void LogNotCancelled(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1107, LogLevel.Warning, "Turn {TurnId} could not be settled at the far side; what it left there goes by itself")]
    private static partial void LogNotSettled(ILogger logger, Exception exception, string turnId);
}
