using Orleans.Placement;

namespace CozeCluster.Grains;

/// <summary>Counts a tenant's concurrent turns and enforces its limit.</summary>
[GrainType("tenant"), ActivationCountBasedPlacement]
public sealed class TenantGrain : Grain, ITenantGrain
{
    private readonly TimeProvider _time;
    private readonly LeaseBook _turns;
    private readonly IFleetView _fleet;

    /// <summary>Called by Orleans.</summary>
    public TenantGrain(IFleetView fleet, TimeProvider time)
    {
        _time = time;
        _turns = new LeaseBook(time, LeaseRequest.Lifetime);
        _fleet = fleet;
    }

    /// <inheritdoc />
    public async Task<Error?> Admit(string turnId)
    {
        var tenantId = this.GetPrimaryKeyString();
        return await _fleet.FindCurrent(view => view.FindTenant(tenantId)) is { } definition
            ? TryAdmit(turnId, definition)
            : new Error(ErrorCode.PermissionDenied, "This tenant no longer exists.");
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

    private Error? TryAdmit(string turnId, TenantDefinition definition)
    {
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
}
