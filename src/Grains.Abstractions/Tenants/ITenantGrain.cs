namespace CozeCluster;

/// <summary>One tenant: enforces its limit of concurrent turns. Key: tenant id.</summary>
[Alias("tenant")]
public interface ITenantGrain : IGrainWithStringKey
{
    /// <summary>Admits a turn. The admission expires after <see cref="LeaseRequest.Lifetime"/> unless it is renewed.</summary>
    /// <returns>Null if the turn is admitted; otherwise the reason.</returns>
    [Alias("Admit"), Idempotent]
    Task<Error?> Admit(string turnId);

    /// <summary>Renews an admission.</summary>
    [Alias("Renew"), Idempotent]
    Task Renew(string turnId);

    /// <summary>Settles a turn that has ended: it no longer counts against the limit.</summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="usage">The numbers of tokens, if the upstream reported them.</param>
    [Alias("Settle"), Idempotent]
    Task Settle(string turnId, Usage? usage);
}
