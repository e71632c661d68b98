namespace CozeCluster.Grains;

// How the exchange of a turn is found again at the upstream: after its node failed, and after its connection was lost.
internal sealed partial class TurnRunner
{
    /// <summary>Continues a turn that another activation has sent.</summary>
    /// <returns>Null if the reply is complete.</returns>
    private async Task<Error?> Resume(LiveTurn turn, UpstreamHandle handle, CancellationToken stop)
    {
        LogResuming(logger, turn.Progress.TurnId, handle.BotId);
        var bot = await CallWithRetries(turn, () => fleet.FindCurrent(view => view.FindBot(handle.BotId)).AsTask(), stop);
        var account = await CallWithRetries(turn, () => fleet.FindCurrent(view => view.FindAccount(handle.AccountId)).AsTask(), stop);
        if (bot is null || account is null || !upstreams.TryGetValue(handle.Upstream, out var upstream)) return TurnErrors.BotRemoved;
        if (account.CredentialFromRequest) return TurnErrors.CredentialNotStored;
        // The upstream is already working, so the bot is not asked for permission. Until the lease of the failed activation expires, the turn counts twice.
        var lease = turn.Lease = new Lease($"{turn.Progress.TurnId}.resumed", bot, account);
        turn.RenewedAt = time.GetTimestamp();
        var upstreamTurn = new UpstreamTurn(turn.Progress.TurnId, bot, account, memory.TenantId, []) { TenantId = memory.TenantId };
        turn.Log.Identify(handle);
        turn.PendingRelease = (upstream, upstreamTurn);
        using var deadline = new TurnDeadline(time, bot.Timeouts, stop);
        turn.Deadline = deadline;
        using var span = TurnSpans.BeginAttempt(lease, turn.Progress.TurnId, attempt: 0);
        Error? error = null;
        try
        {
            await CallWithRetries(turn, async () =>
            {
                await grains.Grain<IBotGrain>(bot.Id).Renew(lease.Id, account.Id);
                return true;
            }, stop);
            error = await Reattach(turn, upstream, upstreamTurn, handle, deadline, stop);
            if (error is not null && turn.Log.Failure is null) await CancelAtUpstream(turn, upstream, upstreamTurn);
        }
        finally
        {
            turn.Deadline = null;
            TurnSpans.SetError(span, error);
            content.Describe(span, turn);
            if (!stop.IsCancellationRequested) turn.Progress.EndAttempt(error, time.GetUtcNow());
            if (!stop.IsCancellationRequested) await leases.Return(turn, error);
        }
        return error;
    }

    /// <summary>Finds the exchange again and reads the reply from its beginning; the log ignores what it has already.</summary>
    private async Task<Error?> Reattach(
        LiveTurn turn, IUpstream upstream, UpstreamTurn upstreamTurn, UpstreamHandle handle, TurnDeadline deadline, CancellationToken stop)
    {
        deadline.UseTotalTimeoutOnly();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (turn.IsCancelRequested) return TurnErrors.Cancelled;
                turn.Log.ClearExchangeEnd();
                await using var exchange = await upstream.Attach(upstreamTurn, handle, deadline.Token);
                while (turn.Log.Overflow is null && await exchange.WaitToRead(deadline.Token))
                {
                    exchange.Read(turn.Log);
                    NoteText(turn);
                    turn.Publish();
                }
                return turn.Log.GetExchangeError();
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return turn.IsCancelRequested ? TurnErrors.Cancelled : deadline.Error;
            }
            catch (ClusterException exception) when (attempt < MaxConnectAttempts && IsConnectionLoss(exception))
            {
                LogConnectionLost(logger, turn.Progress.TurnId, exception.Code, exception.Message);
                await Task.Delay(RetryDelay * attempt, time, stop);
            }
            catch (ClusterException exception)
            {
                return exception.ToError();
            }
        }
    }

    private void NoteText(LiveTurn turn)
    {
        if (!turn.Progress.AwaitsText || turn.Log.IsEmpty) return;
        turn.Progress.NoteText(time.GetUtcNow());
        turn.Pace.ReadFirstText();
    }

    /// <summary>
    /// Calls a grain for a turn that is being resumed. Shortly after a node has failed, the grain may not be reachable: that must not end the turn.
    /// </summary>
    private async Task<T> CallWithRetries<T>(LiveTurn turn, Func<Task<T>> call, CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call();
            }
            catch (ClusterException exception) when (attempt < MaxConnectAttempts && exception.Code == ErrorCode.CallRejected)
            {
                LogConnectionLost(logger, turn.Progress.TurnId, exception.Code, exception.Message);
                await Task.Delay(RetryDelay * attempt, time, stop);
            }
        }
    }

    /// <summary>Whether the exchange may still run at the upstream after this exception, and can be found again.</summary>
    private static bool CanReattach(LiveTurn turn, IUpstream upstream, BotDefinition bot, ClusterException exception) =>
        upstream.CanReattach(bot) && turn is { Log.Handle: not null, IsCancelRequested: false, AbortError: null } && IsConnectionLoss(exception);

    private static bool IsConnectionLoss(ClusterException exception) =>
        exception.Code is ErrorCode.UpstreamUnavailable or ErrorCode.UpstreamProtocol or ErrorCode.UpstreamFailed
            or ErrorCode.UpstreamRateLimited or ErrorCode.CallRejected;
}
