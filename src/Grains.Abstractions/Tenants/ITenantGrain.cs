namespace CozeCluster;

/// <summary>One tenant: enforces its limits of concurrent turns and per minute, and those of its keys. Key: tenant id.</summary>
[Alias("tenant")]
public interface ITenantGrain : IGrainWithStringKey
{
    /// <summary>Admits a turn. The admission expires after <see cref="LeaseRequest.Lifetime"/> unless it is renewed.</summary>
    /// <returns>Null if the turn is admitted; otherwise the reason.</returns>
    [Alias("Admit"), Idempotent]
    Task<Error?> Admit(string turnId);

    /// <summary>Admits a turn of a tenant that has <see cref="TenantDefinition.Limits"/>, or whose key has limits.</summary>
    /// <remarks>A turn that is admitted already is not counted again.</remarks>
    [Alias("AdmitWithin"), Idempotent]
    Task<Admission> AdmitWithin(TurnTerms terms);

    /// <summary>What <see cref="AdmitWithin"/> would answer. Changes nothing.</summary>
    [Alias("Explain"), Idempotent]
    Task<Admission> Explain(TurnTerms terms);

    /// <summary>Renews an admission.</summary>
    [Alias("Renew"), Idempotent]
    Task Renew(string turnId);

    /// <summary>
    /// Settles a turn that has ended: it no longer counts as a concurrent turn, and of the tokens that were estimated for it only those that it used.
    /// </summary>
    /// <param name="turnId">The turn.</param>
    /// <param name="usage">The numbers of tokens, if the upstream reported them.</param>
    [Alias("Settle"), Idempotent]
    Task Settle(string turnId, Usage? usage);
}
