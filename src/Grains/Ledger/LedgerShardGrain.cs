using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>A shard of a tenant's ledger: see <see cref="LedgerShard"/>. What it has in memory is lost with it, and found in the rows of turns.</summary>
[GrainType("ledger-shard"), ActivationCountBasedPlacement]
public sealed class LedgerShardGrain : Grain, ILedgerShardGrain
{
    private readonly LedgerShard _shard;

    /// <summary>Called by Orleans.</summary>
    public LedgerShardGrain(BackgroundWork work, ILedgerStore store, IFleetView fleet, TimeProvider time)
    {
        var (tenantId, shard) = GrainKeys.ReadLedgerShard(work.Key);
        _shard = new LedgerShard(
            tenantId, shard, fleet, store, time,
            claim => GrainFactory.Grain<IBudgetGrain>(GrainKeys.Budget(claim.TenantId, claim.KeyName)).Claim(claim),
            () => GrainFactory.Grain<IBudgetGrain>(GrainKeys.Budget(tenantId, null)).EndEpochs(tenantId, shard));
    }

    /// <inheritdoc />
    public Task<ReservationResult> Reserve(Reservation reservation) => _shard.Reserve(reservation);

    /// <inheritdoc />
    public Task Settle(long rowId, Amounts charged)
    {
        _shard.Settle(rowId, charged);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task<RecallAnswer?> Recall(RecallRequest request) => Task.FromResult(_shard.Recall(request));
}
