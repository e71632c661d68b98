namespace CozeCluster.Grains;

// How a turn is found again at the far side: after its node died, or its connection broke.
internal sealed partial class TurnRunner
{
    /// <summary>Finds a turn's exchange again after its node died.</summary>
    private async Task<Error?> Resume(LiveTurn turn, UpstreamHandle handle, CancellationToken stop)
    {
        LogResuming(logger, turn.Record.TurnId, handle.BotId);
        var catalog = grains.Grain<ICatalogGrain>(GrainKeys.Catalog);
        var (bot, account) = await Reach(turn, async () => (await catalog.FindBot(handle.BotId), await catalog.FindAccount(handle.AccountId)), stop);
        if (bot is null || account is null || !upstreams.TryGetValue(handle.Upstream, out var upstream))
        {
            return new Error(ErrorCode.UpstreamOutcomeUnknown, "The bot that was answering is no longer in the fleet.");
        }
        // The far side is at work already: nobody is asked whether it may be, and until the lease it had before runs out, it counts twice.
        var lease = turn.Lease = new Lease($"{turn.Record.TurnId}.resumed", bot, account);
        turn.RenewedAt = time.GetTimestamp();
        var upstreamTurn = new UpstreamTurn(turn.Record.TurnId, bot, account, State.TenantId, []) { TenantId = State.TenantId };
        turn.Log.Identify(handle);
        turn.Far = (upstream, upstreamTurn);
        using var deadline = new TurnDeadline(time, bot.Timeouts, stop);
        turn.Deadline = deadline;
        Error? error = null;
        try
        {
            await Reach(turn, async () =>
            {
                await grains.Grain<IBotGrain>(bot.Id).Renew(lease.Id, account.Id);
                return true;
            }, stop);
            error = await Attach(turn, upstream, upstreamTurn, handle, deadline, stop);
            if (error is not null && turn.Log.Failure is null) await CancelAtFarSide(turn, upstream, upstreamTurn);
        }
        finally
        {
            turn.Deadline = null;
            if (!stop.IsCancellationRequested) await claims.Return(turn, error);
        }
        return error;
    }

    private async Task<Error?> Attach(
        LiveTurn turn, IUpstream upstream, UpstreamTurn upstreamTurn, UpstreamHandle handle, TurnDeadline deadline, CancellationToken stop)
    {
        deadline.WaitForTotal();
        for (var tries = 1; ; tries++)
        {
            try
            {
                if (turn.CancelRequested) return Cancelled;
                turn.Log.Reopen();
                await using var exchange = await upstream.Attach(upstreamTurn, handle, deadline.Token);
                while (await exchange.WaitToRead(deadline.Token))
                {
                    exchange.Read(turn.Log);
                    turn.Publish();
                }
                return Outcome(turn);
            }
            catch (OperationCanceledException) when (!stop.IsCancellationRequested)
            {
                return turn.CancelRequested ? Cancelled : deadline.Error;
            }
            catch (ClusterException exception) when (tries < MaxAttachTries && IsLost(exception))
            {
                LogLost(logger, turn.Record.TurnId, exception.Code, exception.Message);
                await Task.Delay(RetryPause * tries, time, stop);
            }
            catch (ClusterException exception)
            {
                return exception.ToError();
            }
        }
    }

    /// <summary>Asks a grain on behalf of a turn that is under way at the far side: that the grain cannot be reached yet, after a node died, is no reason to give the turn up.</summary>
    private async Task<T> Reach<T>(LiveTurn turn, Func<Task<T>> ask, CancellationToken stop)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await ask();
            }
            catch (ClusterException exception) when (tries < MaxAttachTries && exception.Code == ErrorCode.CallRejected)
            {
                LogLost(logger, turn.Record.TurnId, exception.Code, exception.Message);
                await Task.Delay(RetryPause * tries, time, stop);
            }
        }
    }
}
