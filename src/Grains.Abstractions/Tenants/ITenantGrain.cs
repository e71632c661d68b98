namespace CozeCluster;

/// <summary>One tenant: what it may have running at once. Key: tenant id.</summary>
[Alias("tenant")]
public interface ITenantGrain : IGrainWithStringKey
{
    /// <summary>Admits a turn, for <see cref="LeaseRequest.Lifetime"/> unless renewed.</summary>
    /// <returns>Null if admitted, else why not.</returns>
    [Alias("Admit"), Idempotent]
    Task<Error?> Admit(string turnId);

    /// <summary>Prolongs an admission.</summary>
    [Alias("Renew"), Idempotent]
    Task Renew(string turnId);

    /// <summary>The turn has ended.</summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="usage">Tokens, if the far side told them.</param>
    [Alias("Settle"), Idempotent]
    Task Settle(string turnId, Usage? usage);
}
