using CozeCluster.Messages;

namespace CozeCluster.Grains;

/// <summary>Counts a tenant's turns against its limit.</summary>
public class TenantGrain(IGrainContext context, TimeProvider time) : ITenantGrain
{
    private readonly LeaseBook _turns = new(time, LeaseRequest.Lifetime);
    private readonly Declared<TenantDefinition> _definition =
        new(time, () => context.Grains.Get<ICatalogGrain>(GrainKeys.Catalog).FindTenant(context.Key));

    /// <inheritdoc />
    public async Task<Error?> Admit(string turnId)
    {
        var definition = await _definition.Get();
        if (definition is null) return new Error(ErrorCode.PermissionDenied, "This tenant no longer exists.");
        if (!_turns.Holds(turnId) && _turns.Count >= definition.MaxConcurrentTurns)
        {
            return new Error(
                ErrorCode.RateLimited,
                $"This tenant may run {definition.MaxConcurrentTurns} turns at once. Please try again when one has ended.",
                Until: time.GetUtcNow() + TimeSpan.FromSeconds(1));
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
