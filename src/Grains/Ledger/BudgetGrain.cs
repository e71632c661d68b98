using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Hands out blocks of the budgets of a tenant or a key, and keeps prepaid credit.</summary>
[GrainType("budget"), ActivationCountBasedPlacement]
public sealed class BudgetGrain : Grain, IBudgetGrain
{
    private readonly IPersistentState<BudgetState> _state;
    private readonly BackgroundWork _work;
    private readonly StateSaver<BudgetState> _saver;
    private readonly ILedgerStore _store;
    private readonly IFleetView _fleet;
    private readonly TimeProvider _time;
    private Budget? _budget;
    private bool _isOutdated;

    /// <summary>Called by Orleans.</summary>
    public BudgetGrain(
        [PersistentState("budget")] IPersistentState<BudgetState> state, BackgroundWork work, ILedgerStore store, IFleetView fleet, TimeProvider time)
    {
        _state = state;
        _work = work;
        _saver = new StateSaver<BudgetState>(state, work);
        _store = store;
        _fleet = fleet;
        _time = time;
    }

    /// <inheritdoc />
    public Task<BudgetGrant> Claim(BudgetClaim claim) => Change(() => BudgetOf(claim.TenantId).Claim(claim));

    /// <inheritdoc />
    public Task EndEpochs(string tenantId, int shard) => Change(async () =>
    {
        await BudgetOf(tenantId).EndEpochs(shard);
        return true;
    });

    /// <inheritdoc />
    public Task<CreditStatus> AddCredit(CreditPayment payment) => Change(async () =>
    {
        if (CreditBook.TryAdd(_state.State, payment, _time.GetUtcNow())) await _saver.Save();
        return CreditBook.StatusOf(_state.State);
    });

    /// <inheritdoc />
    public Task<CreditStatus> GetCredit()
    {
        ThrowIfOutdated();
        return Task.FromResult(CreditBook.StatusOf(_state.State));
    }

    /// <inheritdoc />
    public async Task<BudgetStatus> GetStatus(string tenantId, string? keyName)
    {
        ThrowIfOutdated();
        return await BudgetOf(tenantId).GetStatus(keyName);
    }

    private Budget BudgetOf(string tenantId) => _budget ??= new Budget(_state.State, _saver.Save, _store, _fleet, _time, (shard, request) =>
        GrainFactory.Grain<ILedgerShardGrain>(GrainKeys.LedgerShard(tenantId, shard)).Recall(request));

    /// <summary>After an error the state in memory may say what is not stored. The next activation reads it again.</summary>
    private async Task<T> Change<T>(Func<Task<T>> change)
    {
        ThrowIfOutdated();
        try
        {
            return await change();
        }
        catch (Exception exception) when (exception is not ClusterException
            { Code: ErrorCode.InvalidRequest or ErrorCode.IdempotencyMismatch or ErrorCode.Conflict })
        {
            _isOutdated = true;
            _work.Deactivate("The state could not be saved.");
            throw;
        }
    }

    private void ThrowIfOutdated()
    {
        if (_isOutdated) throw new ClusterException(ErrorCode.CallRejected, "The budget is read again. Retry.");
    }
}
