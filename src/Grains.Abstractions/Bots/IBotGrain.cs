using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>One bot: how many turns it runs, and whether it is fit to. Key: bot id.</summary>
[Alias("bot")]
public interface IBotGrain : IGrainWithStringKey
{
    /// <summary>Asks to run a turn; the bot chooses the account.</summary>
    [Alias("Acquire"), AlwaysInterleave, Idempotent]
    Task<LeaseResult> Acquire(LeaseRequest request);

    /// <summary>Prolongs a lease of a running turn, on the bot and on its account. A lease that ran out meanwhile is taken again.</summary>
    [Alias("Renew"), AlwaysInterleave, Idempotent]
    Task Renew(string leaseId, string accountId);

    /// <summary>Gives a lease back and tells how it went; a lease not held is ignored.</summary>
    [Alias("Return"), AlwaysInterleave, Idempotent]
    Task Return(string leaseId, string accountId, LeaseOutcome outcome);

    /// <summary>Sees to it that the bot is kept active as its definition says. Called for such bots whenever a fleet comes into force, a node's start included.</summary>
    [Alias("KeepActive"), Idempotent]
    Task KeepActive();

    /// <summary>What is known of how the bot's replies come in; null until enough of them were seen.</summary>
    [Alias("Cadence"), AlwaysInterleave, Idempotent]
    Task<ReplyCadence?> Cadence();

    /// <summary>Tells how one reply came in. Kept with the bot, though what it learnt in the last minute may be lost with a node.</summary>
    [Alias("Learn"), AlwaysInterleave, Idempotent]
    Task Learn(ReplySample sample);
}
