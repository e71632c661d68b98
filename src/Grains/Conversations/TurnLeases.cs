using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>What a turn holds while it runs: an admission of its tenant and a lease of a bot. Both expire by themselves unless they are renewed.</summary>
internal sealed partial class TurnLeases(
    ConversationMemory memory, IGrainFactory grains, IFleetView fleet, TimeProvider time, ILogger logger)
{
    private ITenantGrain Tenant => grains.Grain<ITenantGrain>(memory.TenantId);

    /// <summary>Asks the tenant to admit a turn.</summary>
    /// <exception cref="ClusterException">The tenant's refusal. <see cref="ErrorCode.Cancelled"/>: the caller has cancelled.</exception>
    public async Task Admit(string turnId, CancellationToken cancellationToken)
    {
        if (await Tenant.Admit(turnId) is { } refusal)
        {
            TurnMetrics.Refused("tenant", refusal.Code);
            throw refusal.ToException();
        }
        if (!cancellationToken.IsCancellationRequested) return;
        await Settle(turnId, null);
        throw TurnErrors.Cancelled.ToException();
    }

    /// <summary>Asks a tenant with limits to admit a turn.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.Cancelled"/>: the caller has cancelled.</exception>
    public async Task<Admission> AdmitWithin(TurnTerms terms, CancellationToken cancellationToken)
    {
        var admission = await Tenant.AdmitWithin(terms);
        if (admission.Refusal is { } refusal) TurnMetrics.Refused("tenant", refusal.Code);
        if (admission.Refusal is not null || !cancellationToken.IsCancellationRequested) return admission;
        await Settle(terms.TurnId, null);
        throw TurnErrors.Cancelled.ToException();
    }

    /// <summary>Settles a turn that has ended in the tenant's accounting.</summary>
    public Task Settle(string turnId, Usage? usage) => Tenant.Settle(turnId, usage);

    /// <summary>Asks the model pool for a bot before the turn is admitted: see <see cref="LiveTurn.FirstPick"/>.</summary>
    public Task<PickResult> PickBot(TurnRequest request, AnsweredTurn? answered) =>
        PickBot(request, answered, PromptBuilder.FindUpstreamConversation(request, memory, answered)?.BotId, []);

    /// <summary>Finds a bot that grants a lease.</summary>
    /// <param name="turn">The turn; it holds the lease afterwards.</param>
    /// <param name="request">The request of the turn.</param>
    /// <param name="preferredBot">The bot to ask first; null: any.</param>
    /// <param name="refusals">Bots that are not asked; bots that refuse are added.</param>
    /// <param name="leaseRequest">What the bots are asked for.</param>
    /// <param name="onPicked">Called while a bot is being asked, with the answer of the pool.</param>
    /// <returns>The lease, or the reason why there is none.</returns>
    public async Task<(Lease? Lease, Error? Refusal)> AcquireBot(
        LiveTurn turn, TurnRequest request, string? preferredBot, List<Refusal> refusals, LeaseRequest leaseRequest, Action<PickResult> onPicked)
    {
        while (true)
        {
            var pick = await (turn.FirstPick ?? PickBot(request, turn.Answered, preferredBot, refusals));
            turn.FirstPick = null;
            if (pick.BotId is null) return (null, pick.Error);
            turn.LeaseEstimate = null;
            if (fleet.HasLeaseLimits(pick.BotId)) leaseRequest = leaseRequest with { Amounts = Estimate(turn, request) };
            var acquiring = grains.Grain<IBotGrain>(pick.BotId).Acquire(leaseRequest);
            onPicked(pick);
            var result = await acquiring;
            if (result.Grant is { } lease)
            {
                turn.Lease = lease;
                turn.RenewedAt = time.GetTimestamp();
                return (lease, null);
            }
            TurnMetrics.Refused("bot", result.Refusal!.Error.Code);
            refusals.Add(result.Refusal);
        }
    }

    /// <summary>Renews the admission and the lease of a turn at the same time: neither waits for the other.</summary>
    public Task Renew(LiveTurn turn) => Task.WhenAll(
        Tenant.Renew(turn.Progress.TurnId),
        turn.Lease is { } lease ? grains.Grain<IBotGrain>(lease.Bot.Id).Renew(lease.Id, lease.Account.Id) : Task.CompletedTask);

    /// <summary>Returns the lease of a turn.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="error">Why the attempt failed; null if it succeeded.</param>
    public async Task Return(LiveTurn turn, Error? error)
    {
        if (turn.Lease is not { } lease) return;
        turn.Lease = null;
        try
        {
            var outcome = error is null ? LeaseOutcome.Success : new LeaseOutcome(error);
            if (turn.LeaseEstimate is var (input, price))
                outcome = outcome with { Used = TurnCost.OfAttempt(error, input, turn.Log.Parts, turn.Log.Usage, price) };
            await grains.Grain<IBotGrain>(lease.Bot.Id).Return(lease.Id, lease.Account.Id, outcome);
        }
        catch (ClusterException exception)
        {
            // The reply is not affected, and the lease expires.
            LogNotReturned(logger, exception, turn.Progress.TurnId);
        }
    }

    /// <summary>What a turn may use of the limits of a bot and an account.</summary>
    private Amounts Estimate(LiveTurn turn, TurnRequest request)
    {
        var input = memory.LastTokens + TurnEstimate.InputOf(request);
        var price = fleet.FindModel(request.TenantId, request.Model)?.Price;
        turn.LeaseEstimate = (input, price);
        var output = TurnEstimate.OutputOf(request, fleet.HasLanguageModel(request.TenantId, request.Model));
        return TurnCost.Reserve(input, output, price);
    }

    private Task<PickResult> PickBot(TurnRequest request, AnsweredTurn? answered, string? preferredBot, List<Refusal> refusals) => grains
        .Grain<IModelPoolGrain>(GrainKeys.ModelPool(request.TenantId, request.Model))
        .Pick(request.TenantId, request.Model, new PickRequest(preferredBot, refusals)
        {
            // A bot knows nothing of the calls that a language model made.
            LanguageModelsOnly = request.Settings.NeedsLanguageModel || UpstreamNames.IsLanguageModel(answered?.Upstream),
            CredentialUpstream = request.Credential?.Upstream,
        });

    [LoggerMessage(1108, LogLevel.Warning, "Turn {TurnId} could not return its lease; the lease will expire")]
    private static partial void LogNotReturned(ILogger logger, Exception exception, string turnId);
}
