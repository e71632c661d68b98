namespace CozeCluster;

/// <summary>
/// The budgets of a tenant or of an API key: hands out blocks to ledger shards, durably. Key: see <see cref="GrainKeys.Budget"/>.
/// </summary>
[Alias("budget")]
public interface IBudgetGrain : IGrainWithStringKey
{
    /// <summary>Gives a shard what it asks for, or what is left. When little is left, other shards give back first what they do not use.</summary>
    [Alias("Claim"), Idempotent]
    Task<BudgetGrant> Claim(BudgetClaim claim);

    /// <summary>
    /// Closes the epochs of a shard that is about to begin another one, and keeps what was used in them. The rows of turns in an open epoch are not deleted,
    /// however old they are.
    /// </summary>
    [Alias("EndEpochs"), Idempotent]
    Task EndEpochs(string tenantId, int shard);

    /// <summary>Adds prepaid credit. Only for the budget of a tenant. A second call with the same id adds nothing.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.IdempotencyMismatch"/>: the id was used with another amount. <see cref="ErrorCode.Conflict"/>: the payment is older than the
    /// payments that are remembered, so that nobody knows whether it was added. <see cref="ErrorCode.InvalidRequest"/>: a value is out of its range.
    /// </exception>
    [Alias("AddCredit"), Idempotent]
    Task<CreditStatus> AddCredit(CreditPayment payment);

    /// <summary>Gets the prepaid credit of a tenant.</summary>
    [Alias("GetCredit"), Idempotent]
    Task<CreditStatus> GetCredit();

    /// <summary>Gets what is used, from the storage.</summary>
    [Alias("GetStatus"), Idempotent]
    Task<BudgetStatus> GetStatus(string tenantId, string? keyName);
}

/// <summary>The periods of budgets. The numbers are stored: never change them.</summary>
[GenerateSerializer, Alias("budget-period")]
public enum BudgetPeriod
{
    /// <summary>A day, UTC. Its index is that of <see cref="TurnCharge.Day"/>.</summary>
    Day = 1,

    /// <summary>A calendar month, UTC. Its index is twelve times the year, plus the month from 0.</summary>
    Month = 2,

    /// <summary>Prepaid credit, which does not reset. Its index is 0.</summary>
    Ever = 3,
}

/// <summary>Amounts of one period.</summary>
/// <param name="Period">The kind of period.</param>
/// <param name="Index">Which one.</param>
/// <param name="Amounts">The amounts.</param>
[GenerateSerializer, Immutable, Alias("period-amounts")]
public sealed record PeriodAmounts(BudgetPeriod Period, int Index, Amounts Amounts);

/// <summary>What a shard uses and wants of one period.</summary>
/// <param name="Period">The kind of period.</param>
/// <param name="Index">Which one.</param>
/// <param name="Used">What it uses. It gives back everything else that it holds.</param>
/// <param name="Wanted">What it wants besides.</param>
[GenerateSerializer, Immutable, Alias("claim-line")]
public sealed record ClaimLine(BudgetPeriod Period, int Index, Amounts Used, Amounts Wanted);

/// <summary>A shard asks for blocks of a budget.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="KeyName">The key whose budget it is; null: that of the tenant.</param>
/// <param name="Shard">The number of the shard.</param>
/// <param name="Epoch">The epoch in which it reserves.</param>
/// <param name="Number">The number of this claim, from 1. The shard makes one claim of a budget at a time.</param>
/// <param name="Lines">The periods.</param>
[GenerateSerializer, Immutable, Alias("budget-claim")]
public sealed record BudgetClaim(string TenantId, string? KeyName, int Shard, long Epoch, long Number, IReadOnlyList<ClaimLine> Lines);

/// <summary>The answer to a claim.</summary>
/// <param name="Sequence">The number of this change of what the epoch holds.</param>
/// <param name="Held">What the epoch holds in all, with what it uses.</param>
/// <param name="IsExact">Whether nobody else held anything unused: what was not given is not there.</param>
/// <param name="IsClosed">Whether the epoch is closed. Then nothing was given.</param>
[GenerateSerializer, Immutable, Alias("budget-grant")]
public sealed record BudgetGrant(long Sequence, IReadOnlyList<PeriodAmounts> Held, bool IsExact, bool IsClosed);

/// <summary>What is used of a budget.</summary>
/// <param name="Settled">What turns were charged that have ended, by period.</param>
/// <param name="Reserved">What is reserved for turns that have not ended, by period.</param>
/// <param name="Unknown">What is reserved for turns of unknown outcome, by period. See <see cref="TurnCharge.UnknownHold"/>.</param>
/// <param name="Credit">All prepaid credit that was ever added, in millionths.</param>
[GenerateSerializer, Immutable, Alias("budget-status")]
public sealed record BudgetStatus(
    IReadOnlyList<PeriodAmounts> Settled, IReadOnlyList<PeriodAmounts> Reserved, IReadOnlyList<PeriodAmounts> Unknown, long Credit);
