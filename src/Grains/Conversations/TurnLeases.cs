using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>What a turn holds of others while it runs: the admission of its tenant, and a lease of a bot. Both run out by themselves unless they are renewed.</summary>
internal sealed partial class TurnLeases(IPersistentState<ConversationState> state, IGrainFactory grains, TimeProvider time, ILogger logger)
{
    private ConversationState State => state.State;

    private ITenantGrain Tenant => grains.Grain<ITenantGrain>(State.TenantId);

    /// <summary>Has the tenant admit a turn.</summary>
    /// <exception cref="ClusterException">What it refused it with; <see cref="ErrorCode.Cancelled"/>: nobody wants it any more.</exception>
    public async Task Admit(string turnId, CancellationToken cancellationToken)
    {
        if (await Tenant.Admit(turnId) is { } refusal) throw refusal.ToException();
        if (!cancellationToken.IsCancellationRequested) return;
        await Settle(turnId, null);
        throw new ClusterException(ErrorCode.Cancelled, "The turn was cancelled.");
    }

    /// <summary>Tells the tenant that a turn has ended.</summary>
    public Task Settle(string turnId, Usage? usage) => Tenant.Settle(turnId, usage);

    /// <summary>Asks for the bot that a turn may be sent to, ahead of the turn.</summary>
    public Task<PickResult> PickAhead(TurnRequest request) => Pick(request, Prompt.Home(request, State)?.BotId, []);

    /// <summary>Finds a bot that takes a turn.</summary>
    /// <param name="turn">The turn; holds the lease from then on.</param>
    /// <param name="request">What is to be sent.</param>
    /// <param name="preferred">The bot to ask first.</param>
    /// <param name="refused">Bots not to ask; those that refuse are added.</param>
    /// <param name="leaseRequest">What to ask them.</param>
    /// <param name="picked">Told the upstream of a bot that is being asked, where it is known.</param>
    /// <returns>The lease, or why there is none.</returns>
    public async Task<(Lease? Lease, Error? Why)> FindBot(
        LiveTurn turn, TurnRequest request, string? preferred, List<Refusal> refused, LeaseRequest leaseRequest, Action<string> picked)
    {
        while (true)
        {
            var pick = await (turn.FirstPick ?? Pick(request, preferred, refused));
            turn.FirstPick = null;
            if (pick.BotId is null) return (null, pick.Error);
            var asked = grains.Grain<IBotGrain>(pick.BotId).Acquire(leaseRequest);
            if (pick.Upstream is not null) picked(pick.Upstream);
            var answer = await asked;
            if (answer.Grant is { } lease)
            {
                turn.Lease = lease;
                turn.RenewedAt = time.GetTimestamp();
                return (lease, null);
            }
            refused.Add(answer.Refusal!);
        }
    }

    /// <summary>Prolongs what a turn holds.</summary>
    public async Task Renew(LiveTurn turn)
    {
        turn.RenewedAt = time.GetTimestamp();
        var admitted = Tenant.Renew(turn.Record.TurnId);
        if (turn.Lease is { } lease) await grains.Grain<IBotGrain>(lease.Bot.Id).Renew(lease.Id, lease.Account.Id);
        await admitted;
    }

    /// <summary>Gives a turn's lease back.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="error">What went wrong with it, if anything.</param>
    public async Task Return(LiveTurn turn, Error? error)
    {
        if (turn.Lease is not { } lease) return;
        turn.Lease = null;
        try
        {
            await grains.Grain<IBotGrain>(lease.Bot.Id).Return(lease.Id, lease.Account.Id, error is null ? LeaseOutcome.Success : new LeaseOutcome(error));
        }
        catch (ClusterException exception)
        {
            // It runs out by itself, and the reply is none the worse for it.
            LogNotReturned(logger, exception, turn.Record.TurnId);
        }
    }

    private Task<PickResult> Pick(TurnRequest request, string? preferred, List<Refusal> refused) => grains
        .Grain<IModelPoolGrain>(GrainKeys.ModelPool(request.TenantId, request.Model))
        .Pick(request.TenantId, request.Model, new PickRequest(preferred, refused));

    [LoggerMessage(1108, LogLevel.Warning, "Turn {TurnId} could not return its lease; it runs out by itself")]
    private static partial void LogNotReturned(ILogger logger, Exception exception, string turnId);
}
