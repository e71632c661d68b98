using System.Collections.Frozen;
using Microsoft.Extensions.Logging;
using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Runs one task of a model for a gateway. It has a key of its own, because Orleans delivers no cancellation to a stateless worker.</summary>
[GrainType("model-task"), PreferLocalPlacement, CollectionAgeLimit(Minutes = 2)]
public sealed partial class ModelTaskGrain : Grain, IModelTaskGrain
{
    private readonly BackgroundWork _work;
    private readonly FrozenDictionary<string, IModelTaskUpstream> _upstreams;
    private readonly IFleetView _fleet;
    private readonly IRequestCredentials _credentials;
    private readonly IConversationStore _store;
    private readonly ConversationOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private Task<ModelTaskResult>? _run;
    private RateStatus? _rates;

    /// <summary>Called by Orleans.</summary>
    public ModelTaskGrain(
        BackgroundWork work,
        IEnumerable<IModelTaskUpstream> upstreams,
        IFleetView fleet,
        IRequestCredentials credentials,
        IConversationStore store,
        ConversationOptions options,
        TimeProvider time,
        ILogger<ModelTaskGrain> logger)
    {
        _work = work;
        _upstreams = upstreams.ToFrozenDictionary(upstream => upstream.Name);
        _fleet = fleet;
        _credentials = credentials;
        _store = store;
        _options = options;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc />
    public Task<ModelTaskResult> Run(ModelTaskRequest request, CancellationToken cancellationToken = default) =>
        _run ??= RunOnce(request, cancellationToken);

    /// <inheritdoc />
    public Task<bool> IsRunning()
    {
        if (_run is null) _work.Deactivate("Nothing runs.");
        return Task.FromResult(_run is not null);
    }

    private async Task<ModelTaskResult> RunOnce(ModelTaskRequest request, CancellationToken cancellationToken)
    {
        try
        {
            return new ModelTaskResult(await RunTask(request, cancellationToken)) { Rates = _rates };
        }
        catch (ClusterException exception) when (request.ReturnsErrors)
        {
            return new ModelTaskResult([]) { Error = exception.ToError(), Rates = _rates };
        }
        finally
        {
            _work.Deactivate("The task has ended.");
        }
    }

    private async Task Admit(ITenantGrain tenant, ModelTaskRequest request)
    {
        Error? refusal;
        if (_fleet.HasLimits(request.TenantId, request.KeyName))
            (refusal, _rates) = await tenant.AdmitWithin(new TurnTerms(request.TurnId, request.KeyName, TurnEstimate.OfBytes(request.Body.Length)));
        else
            refusal = await tenant.Admit(request.TurnId);
        if (refusal is not null) throw refusal.ToException();
    }

    private async Task<byte[]> RunTask(ModelTaskRequest request, CancellationToken cancellationToken)
    {
        var tenant = GrainFactory.Grain<ITenantGrain>(request.TenantId);
        await Admit(tenant, request);
        var rowId = _store.NewTurnRowId();
        var log = new ModelTaskLog(request, rowId, _time);
        var charge = new ModelTaskCharge(_work.Key, request, log, rowId, new TurnLedger(_work.Key, GrainFactory, _fleet, _logger), _store);
        try
        {
            await charge.Reserve();
        }
        catch
        {
            await tenant.Settle(request.TurnId, null);
            throw;
        }
        GrainMetrics.TurnStarted(request.Model);
        var run = new ModelTaskRun(request, log, GrainFactory, _fleet, _upstreams, _credentials, _options, _time, _logger);
        using var timeout = new CancellationTokenSource(ModelTaskRequest.Timeout, _time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var renewal = this.StartTimer(LeaseRequest.Lifetime / 3, LeaseRequest.Lifetime / 3, _ => run.Renew());
        ModelTaskAnswer? answer = null;
        Error? error = null;
        try
        {
            (answer, error) = await run.Run(stop.Token);
        }
        catch (OperationCanceledException)
        {
            error = cancellationToken.IsCancellationRequested ? TurnErrors.Cancelled : ModelTaskRun.Overdue(ModelTaskRequest.Timeout);
        }
        catch (Exception exception)
        {
            error = (CallErrors.Translate(exception) as ClusterException)?.ToError() ?? TurnErrors.Unexpected;
            if (exception is not ClusterException) LogFailed(_logger, exception, request.TurnId);
        }
        await End(tenant, charge, error is null && answer is not null ? null : error ?? TurnErrors.Unexpected, answer?.Usage);
        return error is null && answer is not null ? answer.Body : throw (error ?? TurnErrors.Unexpected).ToException();
    }

    /// <summary>Settles the turn and stores its row. The client's answer does not depend on either.</summary>
    private async Task End(ITenantGrain tenant, ModelTaskCharge charge, Error? error, Usage? usage)
    {
        var row = charge.End(error is null ? new ReplyCompleted(FinishReason.Stop, usage, null) : new ReplyFailed(error, null), usage);
        try
        {
            var settled = tenant.Settle(row.TurnId, usage);
            if (_options.DurableTurns || row.Charge is not null) await _store.Commit(new ConversationCommit(_work.Key) { Turns = [new TurnChange(row, [])] });
            await charge.Settle(row);
            await settled;
        }
        catch (Exception exception)
        {
            LogEndNotStored(_logger, exception, row.TurnId);
        }
    }

    [LoggerMessage(1130, LogLevel.Error, "Turn {TurnId} failed because of an exception")]
    private static partial void LogFailed(ILogger logger, Exception exception, string turnId);

    [LoggerMessage(1131, LogLevel.Error, "Turn {TurnId} ended, but its row could not be stored or its tenant does not know it yet")]
    private static partial void LogEndNotStored(ILogger logger, Exception exception, string turnId);
}
