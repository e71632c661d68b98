using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// One account: a credential that several bots may share. It enforces the account's limits, and the order of its posts to Discord. Key: account id.
/// </summary>
[Alias("account")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Asks for a lease of one request that is not a turn of a conversation, such as one that is passed through.</summary>
    [Alias("Acquire"), Idempotent]
    Task<AccountLeaseResult> Acquire(string leaseId);

    /// <summary>Asks for a lease: permission to run one turn with this account.</summary>
    [Alias("AcquireWithin"), Idempotent]
    Task<AccountLeaseResult> AcquireWithin(AccountLeaseRequest request);

    /// <summary>What <see cref="AcquireWithin"/> would answer. Changes nothing.</summary>
    [Alias("Explain"), Idempotent]
    Task<AccountLeaseResult> Explain(AccountLeaseRequest request);

    /// <summary>Renews a lease. A lease that has expired is taken again.</summary>
    [Alias("Renew"), Idempotent]
    Task Renew(string leaseId);

    /// <summary>Posts to Discord with this account. Posts are sent in the order of the calls.</summary>
    /// <exception cref="ClusterException">Discord refused the post. If it refused the account itself, the account is disabled for a while.</exception>
    [Alias("Post"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<DiscordPosted> Post(DiscordPost post, CancellationToken cancellationToken = default);

    /// <summary>Returns a lease and reports its outcome. A lease that the account does not hold is ignored.</summary>
    [Alias("Return"), Idempotent]
    Task Return(string leaseId, LeaseOutcome outcome);
}
