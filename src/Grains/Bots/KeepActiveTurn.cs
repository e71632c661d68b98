using System.Collections.Frozen;

namespace CozeCluster.Grains;

/// <summary>
/// Sends a keep-active message and reads the reply to its end: an ordinary lease and an ordinary exchange, but of no tenant and in no conversation, so nobody's
/// limits count it and nothing of it is kept.
/// </summary>
internal sealed class KeepActiveTurn(BotGrain bot, FrozenDictionary<string, IUpstream> upstreams, TimeProvider time)
{
    private const string User = "keep-active";
    private const int MaxAttempts = 3;
    private static readonly TimeSpan RenewEvery = LeaseRequest.Lifetime / 3;
    private static readonly TimeSpan CancelTimeout = TimeSpan.FromSeconds(5);

    /// <returns>The error is null if the bot answered; whether anything was sent at all.</returns>
    public async Task<(Error? Error, bool WasSent)> Run(string text, CancellationToken stop)
    {
        var turnId = TurnId.New("", null);
        var avoid = new List<string>();
        Error? error = null;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var answer = await bot.Take(new LeaseRequest($"{turnId}.{attempt}", avoid, null));
            if (answer.Grant is not { } lease) return error is null ? (answer.Refusal!.Error, false) : (error, true);
            error = await Send(turnId, lease, attempt, text, stop);
            await bot.Return(lease.Id, lease.Account.Id, error is null ? LeaseOutcome.Success : new LeaseOutcome(error));
            if (error is not { RecoveryAction: RecoveryAction.RotateAccount }) break;
            avoid.Add(lease.Account.Id);
        }
        return (error, true);
    }

    private async Task<Error?> Send(string turnId, Lease lease, int attempt, string text, CancellationToken stop)
    {
        if (!upstreams.TryGetValue(lease.Bot.Upstream, out var upstream)) return new Error(ErrorCode.Internal, $"There is no upstream '{lease.Bot.Upstream}' on this node.");
        var turn = new UpstreamTurn(turnId, lease.Bot, lease.Account, User, [new ChatMessage(ChatRole.User, [new TextContent(text)])]) { Attempt = attempt };
        var reply = new ReplyLog();
        using var deadline = new TurnDeadline(time, lease.Bot.Timeouts, stop);
        using var renewing = bot.StartTimer(RenewEvery, RenewEvery, _ => bot.Renew(lease.Id, lease.Account.Id));
        Error? error;
        try
        {
            await using var exchange = await upstream.Open(turn, deadline.Token);
            while (await exchange.WaitToRead(deadline.Token))
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
        if (reply.Handle is { } handle) await Leave(upstream, turn, handle, isRunning: error is not null && reply.Failure is null);
        return error;
    }

    private async Task Leave(IUpstream upstream, UpstreamTurn turn, UpstreamHandle handle, bool isRunning)
    {
        using var timeout = new CancellationTokenSource(CancelTimeout, time);
        try
        {
            if (isRunning) await upstream.Cancel(turn, handle, timeout.Token);
            await upstream.Settle(turn, handle);
        }
        catch (Exception exception) when (exception is ClusterException or OperationCanceledException)
        {
            // It answers into the void.
        }
    }
}
