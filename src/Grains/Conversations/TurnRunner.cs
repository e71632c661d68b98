using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>
/// Runs the turns of a conversation, one at a time: gets a lease, sends the prompt, and reads the reply into the log. On an error it retries, and after a lost
/// connection or a crash it finds the exchange again (<c>TurnRunner.Resume.cs</c>).
/// </summary>
/// <remarks>
/// A resumable turn is saved three times: before its prompt is sent (<see cref="SaveIntent"/>), when the upstream's ids are known (<see cref="SaveHandle"/>),
/// and, by the conversation, when it has ended. Until the handle is saved, nothing is delivered.
/// </remarks>
internal sealed partial class TurnRunner(
    ConversationMemory memory,
    IGrainFactory grains,
    IFleetView fleet,
    ConversationWriter writer,
    TurnReader reader,
    FrozenDictionary<string, IUpstream> upstreams,
    TimeProvider time,
    ConversationOptions options,
    NonResumableTurns nonResumableTurns,
    TurnLeases leases,
    IRequestCredentials credentials,
    ContentExport content,
    ILogger logger)
{
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);
    private const int MaxConnectAttempts = 4;

    /// <summary>Runs a turn to its end.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="stop">Cancelled when the grain is deactivated: then the turn stays as it is saved, to be resumed.</param>
    /// <returns>How the turn ended.</returns>
    public async Task<ReplyEvent> Run(LiveTurn turn, CancellationToken stop)
    {
        try
        {
            content.Begin(turn);
            if (turn.Damage is { } damage) return new ReplyFailed(damage, null);
            if (turn.Progress is { IsSent: true, Handle: null }) return new ReplyFailed(TurnErrors.OutcomeUnknown, null);
            var error = turn.Progress.Handle is { } handle ? await Resume(turn, handle, stop) : await Send(turn, stop);
            if (turn.AbortError is not null) error = turn.AbortError;
            else if (turn.IsCancelRequested && error is not null) error = TurnErrors.Cancelled;
            return error is null
                ? new ReplyCompleted(turn.Log.FinishReason ?? FinishReason.Stop, turn.Log.Usage, CreateOrigin(turn))
                : new ReplyFailed(error, CreateOrigin(turn));
        }
        catch (Exception exception) when (!stop.IsCancellationRequested)
        {
            var error = exception is ClusterException known ? known.ToError() : TurnErrors.Unexpected;
            LogFailed(logger, exception, turn.Progress.TurnId, error.Code);
            return new ReplyFailed(error, CreateOrigin(turn));
        }
    }

    /// <summary>Sends a turn that was not sent before.</summary>
    /// <returns>Null if the reply is complete.</returns>
    private async Task<Error?> Send(LiveTurn turn, CancellationToken stop)
    {
        var request = turn.Progress.Request ?? throw new InvalidOperationException("A turn that was not sent has no request.");
        if (request.Credential is { Value: null }) return TurnErrors.CredentialLost;
        turn.Progress.SelectPrompt(memory.InstructionsHash);
        if (PromptBuilder.FindAnsweredTurn(request) is { } answered) turn.Answered ??= await reader.FindAnswered(answered);
        try
        {
            return await SendWithRetries(turn, request, stop);
        }
        catch (Exception) when (stop.IsCancellationRequested && turn is { IntentSave: not null, MayBeSent: false, IsCancelRequested: false })
        {
            // The grain is deactivated and nothing was sent: the intent is taken back, so that the next activation sends the turn. If the save of the intent
            // has failed, this stores the turn for the first time.
            (turn.Progress.IsSent, turn.Progress.Status) = (false, TurnStatus.Queued);
            await writer.Save(turn.Progress);
            throw;
        }
    }

    private async Task<Error?> SendWithRetries(LiveTurn turn, TurnRequest request, CancellationToken stop)
    {
        var refusals = new List<Refusal>();
        var excludedAccounts = new List<string>();
        var continued = PromptBuilder.FindUpstreamConversation(request, memory, turn.Answered);
        var (preferredBot, preferredAccount) = (continued?.BotId, continued?.AccountId);
        Error? lastError = null;
        string? failedBot = null;
        for (var attempt = 1; attempt <= MaxAttempts(options, fleet.FindModel(request.TenantId, request.Model)); attempt++)
        {
            if (turn.IsCancelRequested) return TurnErrors.Cancelled;
            var leaseRequest = NewLeaseRequest(request, attempt, excludedAccounts, preferredAccount);
            var (lease, refusal) = await Acquire(leaseRequest);
            if (lease is null && failedBot is not null)
            {
                // No other bot is left. What is safe to send again goes to the same bot once more.
                refusals.RemoveAll(other => other.Id == failedBot);
                await Task.Delay(RetryDelay, time, stop);
                (lease, _) = await Acquire(leaseRequest);
            }
            if (lease is null) return lastError ?? refusal;

            if (attempt > 1)
            {
                await ReleaseUpstream(turn);
                turn.ResetLog();
            }
            lastError = await RunAttempt(turn, request, lease, attempt, stop);
            if (lastError is null || !turn.Log.IsEmpty || turn.IsCancelRequested || turn.AbortError is not null) return lastError;
            LogAttemptFailed(logger, request.TurnId, attempt, lease.Bot.Id, lease.Account.Id, lastError.Code, lastError.Message);
            if (lastError.Code == ErrorCode.UpstreamNotFound && turn.Log.Handle is null && request.ToolOutputs.Count == 0
                && memory.UpstreamConversation is { } lost && PromptBuilder.BelongsTo(lost, lease) && !upstreams[lease.Bot.Upstream].IsLanguageModel)
            {
                // The upstream refused before it began, perhaps because it has lost this conversation. The next attempt starts a new one there, with the
                // history.
                memory.UpstreamConversation = null;
                preferredBot = lease.Bot.Id;
                continue;
            }
            switch (lastError.RecoveryAction)
            {
                case RecoveryAction.Retry:
                    (preferredBot, preferredAccount) = (lease.Bot.Id, lease.Account.Id);
                    await Task.Delay(RetryDelay, time, stop);
                    break;
                case RecoveryAction.RotateAccount:
                    preferredBot = lease.Bot.Id;
                    excludedAccounts.Add(lease.Account.Id);
                    break;
                case RecoveryAction.CoolBot:
                    refusals.Add(new Refusal(lease.Bot.Id, lastError, lastError.Until));
                    failedBot = IsSafeOnSameBot(turn, lastError) ? lease.Bot.Id : null;
                    break;
                default:
                    return lastError;
            }
        }
        return lastError;

        // A silo that stops may never answer calls to grains that were not active yet.
        Task<(Lease? Lease, Error? Refusal)> Acquire(LeaseRequest leaseRequest) => leases.AcquireBot(
            turn, request, preferredBot, refusals, leaseRequest, onPicked: pick => SaveIntentEarly(turn, pick, stop)).WaitAsync(stop);
    }

    /// <summary>Whether the upstream has refused the prompt or given it up, for a reason that may pass within a second.</summary>
    private static bool IsSafeOnSameBot(LiveTurn turn, Error error) =>
        error is { Until: null, Code: ErrorCode.UpstreamFailed or ErrorCode.UpstreamUnavailable } && (turn.Log.Handle is null || turn.Log.Failure is not null);

    private async Task<Error?> RunAttempt(LiveTurn turn, TurnRequest request, Lease lease, int attempt, CancellationToken stop)
    {
        Error? error = null;
        turn.Progress.BeginAttempt(lease, time.GetUtcNow(), MaxTotalAttempts);
        using var span = TurnSpans.BeginAttempt(lease, request.TurnId, attempt);
        using var credential = UseCredential(request, lease);
        if (credential is not null) lease = lease with { Account = credential.Apply(lease.Account) };
        try
        {
            if (credential is null && lease.Account.CredentialFromRequest) return error = TurnErrors.CredentialMissing;
            var upstream = upstreams[lease.Bot.Upstream];
            var upstreamTurn = (await BuildPrompt(turn, request, lease, upstream, stop)) with { Attempt = attempt };
            turn.PendingRelease = (upstream, upstreamTurn);
            var isResumable = IsResumable(upstream, lease.Bot);
            using var deadline = new TurnDeadline(
                time, lease.Bot.Timeouts, stop, waitsForIds: isResumable, nodeStop: isResumable ? default : nonResumableTurns.EndRequested);
            turn.Deadline = deadline;
            try
            {
                if (isResumable)
                {
                    turn.PauseDelivery();
                    // The early save of the intent may have failed; then the intent is saved again.
                    if (turn.IntentSave is { } earlySave) await Task.WhenAny(earlySave).WaitAsync(stop);
                    await SaveIntent(turn).WaitAsync(stop);
                }
                else
                {
                    // The attempt before may have been on an upstream whose turns are resumable.
                    await MarkNonResumable(turn, stop);
                }
                if (turn.IsCancelRequested) return TurnErrors.Cancelled;
                deadline.Token.ThrowIfCancellationRequested();
                stop.ThrowIfCancellationRequested();
                await using var exchange = await Open(turn, upstream, upstreamTurn, deadline.Token);
                error = await ReadReply(turn, exchange, canReattach: upstream.CanReattach(lease.Bot), deadline);
                if (error is null) memory.InstructionsHash = PromptBuilder.HashInstructions(request.Messages) ?? memory.InstructionsHash;
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                error = turn.IsCancelRequested ? TurnErrors.Cancelled : deadline.Error;
            }
            catch (ClusterException exception) when (CanReattach(turn, upstream, lease.Bot, exception))
            {
                LogConnectionLost(logger, request.TurnId, exception.Code, exception.Message);
                error = await Reattach(turn, upstream, upstreamTurn, turn.Log.Handle!, deadline, stop);
            }
            catch (ClusterException exception)
            {
                error = exception.ToError();
            }
            if (credential is not null && error is not null) error = TurnErrors.OfCredential(error);
            if (error is not null && turn.Log.Failure is null) await CancelAtUpstream(turn, upstream, upstreamTurn);
        }
        finally
        {
            turn.Deadline = null;
            TurnMetrics.EndAttempt(span, lease, turn, error);
            content.Describe(span, turn);
            if (!stop.IsCancellationRequested) turn.Progress.EndAttempt(error, time.GetUtcNow());
            if (!stop.IsCancellationRequested) await leases.Return(turn, error);
        }
        return error;
    }

    private static async ValueTask<IExchange> Open(LiveTurn turn, IUpstream upstream, UpstreamTurn upstreamTurn, CancellationToken cancellationToken)
    {
        turn.MayBeSent = true;
        turn.Pace.Open(upstream.Name);
        try
        {
            return await upstream.Open(upstreamTurn, cancellationToken);
        }
        catch (Exception exception) when (exception is PromptNotSentException or ClusterException { Code: not ErrorCode.UpstreamOutcomeUnknown })
        {
            turn.MayBeSent = false;
            throw;
        }
    }

    private async Task<Error?> ReadReply(LiveTurn turn, IExchange exchange, bool canReattach, TurnDeadline deadline)
    {
        UpstreamHandle? handle = null;
        while (turn.Log.Overflow is null && await exchange.WaitToRead(deadline.Token))
        {
            deadline.OnProgress();
            exchange.Read(turn.Log);
            NoteText(turn);
            turn.Pace.Read();
            if (!ReferenceEquals(turn.Log.Handle, handle))
            {
                handle = turn.Log.Handle;
                memory.UpstreamConversation = handle;
                // A reply that is complete already is saved once, with its end. Delivery stays paused until then.
                if (canReattach && turn is { IsResumable: true, Log.FinishReason: null }) _ = SaveHandle(turn, handle!);
                deadline.OnIdsKnown();
            }
            if (handle is null && !turn.Log.IsEmpty)
            {
                // The upstream answers before it reports its ids, and may never report them. A turn that cannot be resumed anyway is delivered at once.
                turn.NonResumableRegistration ??= nonResumableTurns.Register();
                turn.ResumeDelivery();
            }
            else
            {
                turn.Publish();
            }
            if (turn.IsCancelRequested && handle is not null) return TurnErrors.Cancelled;
        }
        return turn.Log.GetExchangeError();
    }

    /// <summary>Saves the intent while a bot is asked for a lease: most bots grant it, and the turn does not have to wait for the save after that.</summary>
    private void SaveIntentEarly(LiveTurn turn, PickResult pick, CancellationToken stop)
    {
        if (stop.IsCancellationRequested || pick.Upstream is not { } name || !upstreams.TryGetValue(name, out var upstream)) return;
        if (fleet.Status.State is FleetViewState.Current or FleetViewState.Degraded && fleet.FindBot(pick.BotId!) is { } bot && IsResumable(upstream, bot))
            _ = SaveIntent(turn);
    }

    private bool IsResumable(IUpstream upstream, BotDefinition bot) => options.DurableTurns && upstream.CanReattach(bot);

    /// <summary>Saves, once for each attempt, that the prompt is about to be sent.</summary>
    private Task SaveIntent(LiveTurn turn)
    {
        // Saved early, or by an earlier attempt that failed before its ids were known.
        if (turn is { HasIntent: true, Progress.Handle: null }) return turn.IntentSave!;
        turn.IsResumable = true;
        (turn.Progress.IsSent, turn.Progress.Handle) = (true, null);
        return turn.IntentSave = writer.Save(turn.Progress);
    }

    /// <summary>Saves the upstream's ids, and then lets the reply be delivered.</summary>
    private async Task SaveHandle(LiveTurn turn, UpstreamHandle handle)
    {
        var log = turn.Log;
        turn.Progress.Handle = handle;
        try
        {
            await writer.Save(turn.Progress);
            // If the turn has ended or is in its next attempt by now, delivery is paused for another save.
            if (turn.Log == log && turn.Progress.EndedAt is null) turn.ResumeDelivery();
        }
        catch (Exception exception)
        {
            LogHandleNotSaved(logger, exception, turn.Progress.TurnId);
            if (turn.Log == log) turn.Abort(TurnErrors.NotSaved);
        }
    }

    private async Task CancelAtUpstream(LiveTurn turn, IUpstream upstream, UpstreamTurn upstreamTurn)
    {
        if (turn.Log.Handle is not { } handle) return;
        using var timeout = new CancellationTokenSource(CancelTimeout, time);
        try
        {
            await upstream.Cancel(upstreamTurn, handle, timeout.Token);
        }
        catch (Exception exception)
        {
            LogNotCancelled(logger, exception, turn.Progress.TurnId);
        }
    }

    /// <summary>Lets the upstream release what it keeps for the last attempt. Called when the end of the turn is saved, and before another attempt.</summary>
    public async Task ReleaseUpstream(LiveTurn turn)
    {
        if (turn.PendingRelease is not { } pending) return;
        turn.PendingRelease = null;
        if (turn.Log.Handle is not { } handle) return;
        try
        {
            await pending.Upstream.Release(pending.Turn, handle);
        }
        catch (Exception exception)
        {
            LogNotReleased(logger, exception, turn.Progress.TurnId);
        }
    }

    private static ReplyOrigin? CreateOrigin(LiveTurn turn) =>
        turn.Log.Handle is { } handle ? new ReplyOrigin(handle.BotId, handle.Upstream, handle.Ids) : null;

    [LoggerMessage(1101, LogLevel.Error, "Turn {TurnId} failed because of an exception: {Code}")]
    private static partial void LogFailed(ILogger logger, Exception exception, string turnId, ErrorCode code);

    [LoggerMessage(1102, LogLevel.Warning, "Turn {TurnId}: attempt {Attempt} on bot {BotId} with account {AccountId} failed with {Code}: {Message}")]
    private static partial void LogAttemptFailed(ILogger logger, string turnId, int attempt, string botId, string accountId, ErrorCode code, string message);

    [LoggerMessage(1103, LogLevel.Information, "Turn {TurnId} is resumed: its reply is read from bot {BotId} again")]
    private static partial void LogResuming(ILogger logger, string turnId, string botId);

    [LoggerMessage(1104, LogLevel.Warning, "Turn {TurnId} lost a connection and connects again: {Code}: {Message}")]
    private static partial void LogConnectionLost(ILogger logger, string turnId, ErrorCode code, string message);

    [LoggerMessage(1105, LogLevel.Error, "Turn {TurnId} fails because its upstream ids could not be saved")]
    private static partial void LogHandleNotSaved(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1106, LogLevel.Warning, "Turn {TurnId} could not be cancelled at the upstream")]
    private static partial void LogNotCancelled(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1107, LogLevel.Warning, "The upstream could not release what it keeps for turn {TurnId}; it will delete it later by itself")]
    private static partial void LogNotReleased(ILogger logger, Exception exception, string turnId);
}
