using System.Text.Json.Serialization;

namespace CozeCluster.Grains;

/// <summary>The stored state of the budgets of a tenant or a key.</summary>
public sealed class BudgetState
{
    /// <summary>The epochs that hold something, and closed ones whose turns have not all ended.</summary>
    public List<BudgetEpoch> Epochs { get; set; } = [];

    /// <summary>What was used in all other epochs, by period. Days and months that are long over are missing.</summary>
    public List<PeriodAmounts> Used { get; set; } = [];

    /// <summary>All prepaid credit that was ever added, in millionths.</summary>
    public long Credit { get; set; }

    /// <summary>The newest payments by which it was added, newest first.</summary>
    public List<CreditPayment> Payments { get; set; } = [];

    /// <summary>The time of the newest payment that was forgotten; null if none was. Payments up to this time are refused.</summary>
    public DateTimeOffset? ForgottenUntil { get; set; }
}

/// <summary>What a budget knows of an epoch.</summary>
public sealed class BudgetEpoch
{
    /// <summary>The epoch.</summary>
    public long Id { get; set; }

    /// <summary>The shard that reserves in it.</summary>
    public int Shard { get; set; }

    /// <summary>The number of the last claim.</summary>
    public long Claim { get; set; }

    /// <summary>The number of the last grant or recall.</summary>
    public long Sequence { get; set; }

    /// <summary>When the budget first heard of it.</summary>
    public DateTimeOffset KnownAt { get; set; }

    /// <summary>What it holds, with what it uses: while it is open.</summary>
    public List<HeldAmounts> Held { get; set; } = [];

    /// <summary>What its turns use, by day: when it is closed.</summary>
    public List<ClosedUse>? Uses { get; set; }
}

/// <summary>What an epoch holds of a period.</summary>
/// <param name="Period">The kind of period.</param>
/// <param name="Index">Which one.</param>
/// <param name="Amounts">The amounts. What is not limited is <see cref="BudgetRules.Unlimited"/>, because nobody claims it.</param>
/// <param name="Limit">The limit under which it was claimed. Under another one, what the epoch uses is not known.</param>
public sealed record HeldAmounts(BudgetPeriod Period, int Index, Amounts Amounts, Amounts Limit)
{
    /// <summary>
    /// How much all epochs use in excess of the limit, because it was lowered. The shard may use this much less of the amounts: what its turns release is not
    /// free for others.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public Amounts Overdrawn { get; init; }
}

/// <summary>What the turns of a closed epoch use on a day.</summary>
/// <param name="Day">See <see cref="TurnCharge.Day"/>.</param>
/// <param name="Settled">What turns are charged that have ended.</param>
/// <param name="Open">What is reserved for the others.</param>
/// <param name="Turns">How many others there are.</param>
public sealed record ClosedUse(int Day, Amounts Settled, Amounts Open, long Turns);
