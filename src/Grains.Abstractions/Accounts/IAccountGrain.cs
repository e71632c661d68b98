using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>One credential, possibly shared by bots: its quota, rate and send order. Key: account id.</summary>
[Alias("account")]
public interface IAccountGrain : IGrainWithStringKey
{
    /// <summary>Asks to send with this account.</summary>
    [Alias("Acquire"), Idempotent]
    Task<AccountLeaseResult> Acquire(string leaseId);

    /// <summary>Prolongs a lease; one that ran out meanwhile is taken again.</summary>
    [Alias("Renew"), Idempotent]
    Task Renew(string leaseId);

    /// <summary>Posts to Discord with this account, after everything it was asked to post before.</summary>
    /// <exception cref="ClusterException">Refused; an account that the far side will not have any more is set aside.</exception>
    [Alias("Post"), AlwaysInterleave, Idempotent, ResponseTimeout(IDiscordPosting.CallTimeout)]
    Task<DiscordPosted> Post(DiscordPost post, CancellationToken cancellationToken = default);

    /// <summary>Gives a lease back and tells how it went; a lease not held is ignored.</summary>
    [Alias("Return"), Idempotent]
    Task Return(string leaseId, LeaseOutcome outcome);
}
