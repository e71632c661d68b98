using System.Collections.Frozen;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>Runs one task: gets a lease, sends the request, and tries other accounts and bots after errors that may pass.</summary>
internal sealed partial class ModelTaskRun(
    ModelTaskRequest request,
    ModelTaskLog log,
    IGrainFactory grains,
    IFleetView fleet,
    FrozenDictionary<string, IModelTaskUpstream> upstreams,
    IRequestCredentials credentials,
    ConversationOptions options,
    TimeProvider time,
    ILogger logger)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    private readonly List<Refusal> _refusals = [];
    private readonly List<string> _excludedAccounts = [];
    private string? _preferredBot;
    private Lease? _lease;
    private PriceDefinition? _price;

    /// <summary>The error of an upstream that did not answer in time.</summary>
    public static Error Overdue(TimeSpan limit) =>
        new(ErrorCode.UpstreamTimeout, $"The model did not answer within {Durations.Format(limit)}.");

    /// <summary>Runs the task.</summary>
    /// <returns>The answer, or the error of the last attempt.</returns>
    /// <exception cref="OperationCanceledException">The client has left, or the time is over.</exception>
    public async Task<(ModelTaskAnswer? Answer, Error? Error)> Run(CancellationToken stop)
    {
        Error? error = null;
        var attempts = TurnRunner.MaxAttempts(options, fleet.FindModel(request.TenantId, request.Model));
        for (var attempt = 1; attempt <= attempts; attempt++)
        {
            stop.ThrowIfCancellationRequested();
            var (lease, refusal) = await Acquire(attempt);
            if (lease is null) return (null, error ?? refusal);
            (var answer, error) = await RunAttempt(lease, attempt, stop);
            if (answer is not null) return (answer, null);
            LogAttemptFailed(logger, request.TurnId, attempt, lease.Bot.Id, lease.Account.Id, error!.Code, error.Message);
            switch (error.RecoveryAction)
            {
                case RecoveryAction.Retry:
                    _preferredBot = lease.Bot.Id;
                    await Task.Delay(RetryDelay, time, stop);
                    break;
                case RecoveryAction.RotateAccount:
                    _preferredBot = lease.Bot.Id;
                    _excludedAccounts.Add(lease.Account.Id);
                    break;
                case RecoveryAction.CoolBot:
                    _refusals.Add(new Refusal(lease.Bot.Id, error, error.Until));
                    break;
                default:
                    return (null, error);
            }
        }
        return (null, error);
    }

    /// <summary>Renews the admission and the lease.</summary>
    public Task Renew() => Task.WhenAll(
        grains.Grain<ITenantGrain>(request.TenantId).Renew(request.TurnId),
        _lease is { } lease ? grains.Grain<IBotGrain>(lease.Bot.Id).Renew(lease.Id, lease.Account.Id) : Task.CompletedTask);

    private async Task<(Lease? Lease, Error? Refusal)> Acquire(int attempt)
    {
        var pool = grains.Grain<IModelPoolGrain>(GrainKeys.ModelPool(request.TenantId, request.Model));
        var leaseRequest = new LeaseRequest($"{request.TurnId}.{attempt}", _excludedAccounts, null)
        {
            TenantId = request.TenantId,
            CredentialUpstream = request.Credential?.Upstream,
        };
        while (true)
        {
            var pick = await pool.Pick(request.TenantId, request.Model, new PickRequest(_preferredBot, _refusals)
            {
                Task = request.Task,
                CredentialUpstream = request.Credential?.Upstream,
            });
            if (pick.BotId is null) return (null, pick.Error);
            if (fleet.HasLeaseLimits(pick.BotId))
            {
                _price = fleet.FindModel(request.TenantId, request.Model)?.Price;
                leaseRequest = leaseRequest with { Amounts = TurnCost.Reserve(TurnEstimate.OfBytes(request.Body.Length), 0, _price) };
            }
            var result = await grains.Grain<IBotGrain>(pick.BotId).Acquire(leaseRequest);
            if (result.Grant is { } lease) return (_lease = lease, null);
            TurnMetrics.Refused("bot", result.Refusal!.Error.Code);
            _refusals.Add(result.Refusal);
        }
    }

    private async Task<(ModelTaskAnswer? Answer, Error? Error)> RunAttempt(Lease lease, int attempt, CancellationToken stop)
    {
        log.BeginAttempt(lease);
        using var span = TurnSpans.BeginAttempt(lease, request.TurnId, attempt);
        var error = TurnErrors.Cancelled;
        ModelTaskAnswer? answer = null;
        try
        {
            (answer, error) = await Send(lease, stop);
        }
        finally
        {
            _lease = null;
            log.EndAttempt(answer is null ? error : null);
            TurnMetrics.CountAttempt(lease.Bot.Upstream, answer is null ? error : null);
            TurnSpans.SetError(span, answer is null ? error : null);
            await Return(lease, answer is null ? error : null, answer?.Usage);
        }
        return (answer, error);
    }

    private async Task<(ModelTaskAnswer? Answer, Error Error)> Send(Lease lease, CancellationToken stop)
    {
        using var credential = UseCredential(lease.Account);
        if (credential is null && lease.Account.CredentialFromRequest) return (null, TurnErrors.CredentialMissing);
        if (!upstreams.TryGetValue(lease.Bot.Upstream, out var upstream))
            return (null, new Error(ErrorCode.Internal, $"This node has no upstream '{lease.Bot.Upstream}' for this request."));
        var limit = lease.Bot.Timeouts.FirstByte;
        using var timeout = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, stop);
        var user = request.User is null ? request.TenantId : $"{request.TenantId}:{request.User}";
        var account = credential?.Apply(lease.Account) ?? lease.Account;
        try
        {
            var task = new UpstreamTask(request.TurnId, request.Task, lease.Bot, account, user, request.AskedModel, request.Body);
            return (await upstream.Run(task, either.Token), TurnErrors.Unexpected);
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return (null, Overdue(limit));
        }
        catch (ClusterException exception)
        {
            return (null, credential is null ? exception.ToError() : TurnErrors.OfCredential(exception.ToError()));
        }
    }

    private CredentialUse? UseCredential(AccountDefinition account) =>
        account.CredentialFromRequest && request.Credential is { Value: not null } given && given.Upstream == account.Upstream ? credentials.Use(given) : null;

    private async Task Return(Lease lease, Error? error, Usage? usage)
    {
        try
        {
            var outcome = new LeaseOutcome(error) { Used = TurnCost.OfAttempt(error, TurnEstimate.OfBytes(request.Body.Length), [], usage, _price) };
            await grains.Grain<IBotGrain>(lease.Bot.Id).Return(lease.Id, lease.Account.Id, outcome);
        }
        catch (ClusterException exception)
        {
            // The answer is not affected, and the lease expires.
            LogNotReturned(logger, exception, request.TurnId);
        }
    }

    [LoggerMessage(1132, LogLevel.Warning, "Turn {TurnId}: attempt {Attempt} on bot {BotId} with account {AccountId} failed with {Code}: {Message}")]
    private static partial void LogAttemptFailed(ILogger logger, string turnId, int attempt, string botId, string accountId, ErrorCode code, string message);

    [LoggerMessage(1133, LogLevel.Warning, "Turn {TurnId} could not return its lease; the lease will expire")]
    private static partial void LogNotReturned(ILogger logger, Exception exception, string turnId);
}
