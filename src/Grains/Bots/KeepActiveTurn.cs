using System.Collections.Frozen;

namespace CozeCluster.Grains;

/// <summary>
/// Sends a keep-active message and reads the reply to its end. It uses an ordinary lease and an ordinary exchange, but neither a tenant nor a conversation. So
/// it counts against no tenant's limits, and nothing of it is stored.
/// </summary>
internal sealed class KeepActiveTurn(BotGrain bot, FrozenDictionary<string, IUpstream> upstreams, TimeProvider time)
{
    private const string User = "keep-active";
    private const int MaxAttempts = 3;
    private static readonly TimeSpan RenewInterval = LeaseRequest.Lifetime / 3;
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);

    /// <summary>Sends the message, with another account if one is refused.</summary>
    /// <returns>The error, or null if the bot answered; and whether any message was sent.</returns>
    public async Task<(Error? Error, bool WasSent)> Run(string text, CancellationToken stop)
    {
        // No conversation holds this turn.
        var turnId = "turn_" + GrainKeys.Encode(Guid.NewGuid().ToByteArray());
        var avoid = new List<string>();
        Error? error = null;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var result = await bot.TakeLease(new LeaseRequest($"{turnId}.{attempt}", avoid, null));
            if (result.Grant is not { } lease) return error is null ? (result.Refusal!.Error, false) : (error, true);
            error = await Send(turnId, lease, attempt, text, stop);
            await bot.Return(lease.Id, lease.Account.Id, error is null ? LeaseOutcome.Success : new LeaseOutcome(error));
            if (error is not { RecoveryAction: RecoveryAction.RotateAccount }) break;
            avoid.Add(lease.Account.Id);
        }
        return (error, true);
    }

    private async Task<Error?> Send(string turnId, Lease lease, int attempt, string text, CancellationToken stop)
    {
        if (!upstreams.TryGetValue(lease.Bot.Upstream, out var upstream))
        {
            return new Error(ErrorCode.Internal, $"This node has no upstream '{lease.Bot.Upstream}'.");
        }
        var turn = new UpstreamTurn(turnId, lease.Bot, lease.Account, User, [new ChatMessage(ChatRole.User, [new TextContent(text)])]) { Attempt = attempt };
        var reply = new ReplyLog();
        using var deadline = new TurnDeadline(time, lease.Bot.Timeouts, stop);
        using var renewal = bot.StartTimer(RenewInterval, RenewInterval, _ => bot.Renew(lease.Id, lease.Account.Id));
        Error? error;
        try
        {
            await using var exchange = await upstream.Open(turn, deadline.Token);
            while (reply.Overflow is null && await exchange.WaitToRead(deadline.Token))
            {
                deadline.OnProgress();
                exchange.Read(reply);
            }
            error = reply.GetExchangeError();
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            error = deadline.Error;
        }
        catch (ClusterException exception)
        {
            error = exception.ToError();
        }
        if (reply.Handle is { } handle) await CleanUp(upstream, turn, handle, isRunning: error is not null && reply.Failure is null);
        return error;
    }

    private async Task CleanUp(IUpstream upstream, UpstreamTurn turn, UpstreamHandle handle, bool isRunning)
    {
        using var timeout = new CancellationTokenSource(CancelTimeout, time);
        try
        {
            if (isRunning) await upstream.Cancel(turn, handle, timeout.Token);
            await upstream.Release(turn, handle);
        }
        catch (Exception exception) when (exception is ClusterException or OperationCanceledException)
        {
            // The result of the message is known already. A chat that continues at the upstream has no reader and ends by itself.
        }
    }
}
