using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Counts a tenant's concurrent turns and enforces its limit.</summary>
[GrainType("tenant"), ActivationCountBasedPlacement]
public sealed class TenantGrain : Grain, ITenantGrain
{
    private readonly TimeProvider _time;
    private readonly LeaseBook _turns;
    private readonly CachedDefinition<TenantDefinition> _definition;

    /// <summary>Called by Orleans.</summary>
    public TenantGrain(TimeProvider time)
    {
        _time = time;
        _turns = new LeaseBook(time, LeaseRequest.Lifetime);
        _definition = new(time, () => GrainFactory.Grain<ICatalogGrain>(GrainKeys.Catalog).FindTenant(this.GetPrimaryKeyString()));
    }

    /// <inheritdoc />
    public async Task<Error?> Admit(string turnId)
    {
        var definition = await _definition.Get();
        if (definition is null) return new Error(ErrorCode.PermissionDenied, "This tenant no longer exists.");
        if (!_turns.Holds(turnId) && _turns.Count >= definition.MaxConcurrentTurns)
        {
            return new Error(
                ErrorCode.RateLimited,
                $"This tenant is limited to {definition.MaxConcurrentTurns} concurrent turns. Retry when a turn has ended.",
                Until: _time.GetUtcNow() + TimeSpan.FromSeconds(1));
        }
        _turns.Take(turnId);
        return null;
    }

    /// <inheritdoc />
    public Task Renew(string turnId)
    {
        _turns.Take(turnId);
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    public Task Settle(string turnId, Usage? usage)
    {
        _turns.Return(turnId);
        return Task.CompletedTask;
    }
}
