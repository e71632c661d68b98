using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>A shard of a tenant's ledger: see <see cref="LedgerShard"/>. What it has in memory is lost with it, and found in the rows of turns.</summary>
[GrainType("ledger-shard"), ActivationCountBasedPlacement]
public sealed class LedgerShardGrain : Grain, ILedgerShardGrain
{
    private readonly LedgerShard _shard;
    private readonly string _tenantId;
    private readonly TimeProvider _time;

    /// <summary>Called by Orleans.</summary>
    public LedgerShardGrain(BackgroundWork work, ILedgerStore store, IFleetView fleet, TimeProvider time)
    {
        (_tenantId, var shard) = GrainKeys.ReadLedgerShard(work.Key);
        _time = time;
        _shard = new LedgerShard(
            _tenantId, shard, fleet, store, time,
            claim => GrainFactory.Grain<IBudgetGrain>(GrainKeys.Budget(claim.TenantId, claim.KeyName)).Claim(claim),
            () => GrainFactory.Grain<IBudgetGrain>(GrainKeys.Budget(_tenantId, null)).EndEpochs(_tenantId, shard));
    }

    /// <inheritdoc />
    public async Task<ReservationResult> Reserve(Reservation reservation)
    {
        var result = await _shard.Reserve(reservation);
        if (result.Refusal is not null) GuardMetrics.LimitReached("budget", _tenantId, _time);
        return result;
    }

    /// <inheritdoc />
    public Task Settle(long rowId, Amounts charged)
    {
        _shard.Settle(rowId, charged);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<RecallAnswer?> Recall(RecallRequest request) => Task.FromResult(_shard.Recall(request));
}
