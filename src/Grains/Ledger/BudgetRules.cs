namespace CozeCluster.Grains;

/// <summary>A period of a budget, as a shard keeps it.</summary>
/// <param name="KeyName">The key whose budget it is; null: that of the tenant.</param>
/// <param name="Period">The kind of period.</param>
/// <param name="Index">Which one.</param>
internal readonly record struct BudgetSlot(string? KeyName, BudgetPeriod Period, int Index);

/// <summary>A limit of a budget. What is not limited is <see cref="BudgetRules.Unlimited"/>.</summary>
/// <param name="Slot">The period.</param>
/// <param name="Limit">
/// The limit. Of prepaid credit, which only the budget knows, it says just that credits are limited: they are 0.
/// </param>
internal readonly record struct BudgetLimit(BudgetSlot Slot, Amounts Limit);

/// <summary>What the budget of a tenant or a key counts of the turns of an epoch.</summary>
internal enum BudgetScope
{
    /// <summary>Nothing: there is no budget.</summary>
    Nothing,

    /// <summary>Days and months.</summary>
    Periods,

    /// <summary>Days, months and prepaid credit.</summary>
    Prepaid,
}

/// <summary>Which budgets a turn uses, and what they allow.</summary>
internal static class BudgetRules
{
    /// <summary>A limit that nothing reaches: about 9e15. It is small enough to be added up for all shards.</summary>
    public const long Unlimited = long.MaxValue / 1_000;

    private static readonly TimeSpan MaxReservationAge = LeaseRequest.Lifetime;
    private static readonly Amounts NoLimit = new(Unlimited, Unlimited, Unlimited);

    /// <summary>Whether turns of a tenant and key are charged.</summary>
    public static bool IsCharged(IFleetView fleet, string tenantId, string? keyName) =>
        fleet.FindTenant(tenantId) is { } tenant && (tenant.Prepaid || tenant.Limits?.HasBudget() == true)
        || (keyName is not null && fleet.FindKeyLimits(tenantId, keyName)?.HasBudget() == true);

    /// <summary>The limits of a turn on a day.</summary>
    public static IReadOnlyList<BudgetLimit> LimitsOf(IFleetView fleet, string tenantId, string? keyName, int day)
    {
        var limits = new List<BudgetLimit>();
        var tenant = fleet.FindTenant(tenantId);
        Add(null, tenant?.Limits);
        if (tenant is { Prepaid: true }) limits.Add(new(new(null, BudgetPeriod.Ever, 0), NoLimit with { Credits = 0 }));
        if (keyName is not null) Add(keyName, fleet.FindKeyLimits(tenantId, keyName));
        return limits;

        void Add(string? scope, LimitsDefinition? definition)
        {
            if (definition is null) return;
            foreach (var (period, index, limit) in BudgetsOf(definition, day)) limits.Add(new(new(scope, period, index), limit));
        }
    }

    /// <summary>The daily and the monthly budget of a day.</summary>
    public static IEnumerable<(BudgetPeriod Period, int Index, Amounts Limit)> BudgetsOf(LimitsDefinition definition, int day)
    {
        if (definition.Daily is { } daily) yield return (BudgetPeriod.Day, day, ToAmounts(daily));
        if (definition.Monthly is { } monthly) yield return (BudgetPeriod.Month, TurnCharge.MonthOf(day), ToAmounts(monthly));
    }

    /// <summary>What the budget of a tenant (null) or a key counts of a turn with these limits.</summary>
    public static BudgetScope ScopeOf(string? keyName, IReadOnlyList<BudgetLimit> limits)
    {
        var scope = BudgetScope.Nothing;
        foreach (var limit in limits)
        {
            if (limit.Slot.KeyName != keyName) continue;
            if (limit.Slot.Period == BudgetPeriod.Ever) return BudgetScope.Prepaid;
            scope = BudgetScope.Periods;
        }
        return scope;
    }

    /// <summary>
    /// Every period in which a turn counts. The budget of a tenant or a key counts days and months, even if only one of them is limited: the limits may change.
    /// </summary>
    public static IEnumerable<BudgetSlot> SlotsOf(string? keyName, IReadOnlyList<BudgetLimit> limits, int day)
    {
        foreach (var name in new[] { null, keyName }.Distinct())
        {
            var scope = ScopeOf(name, limits);
            if (scope == BudgetScope.Nothing) continue;
            yield return new(name, BudgetPeriod.Day, day);
            yield return new(name, BudgetPeriod.Month, TurnCharge.MonthOf(day));
            if (scope == BudgetScope.Prepaid) yield return new(name, BudgetPeriod.Ever, 0);
        }
    }

    /// <summary>
    /// Whether a turn fits into what is left. What is not limited is not compared. Less than nothing is left after a limit was lowered: a turn that needs
    /// nothing of it, such as one without a price, still fits.
    /// </summary>
    public static bool Fits(Amounts needed, Amounts left, Amounts limit) =>
        Fits(needed.Requests, left.Requests, limit.Requests)
        && Fits(needed.Tokens, left.Tokens, limit.Tokens)
        && Fits(needed.Credits, left.Credits, limit.Credits);

    /// <summary>
    /// Whether an epoch may have reservations of turns that will never be stored or settled, because their nodes have failed. Before a turn is refused, such an
    /// epoch is closed, at most twice a minute for each shard. A time in the future is as old as one in the past: the clock was set back.
    /// </summary>
    /// <param name="oldest">When the oldest reservation was made that has not been settled; null if there is none.</param>
    /// <param name="openedAt">When the epoch was opened.</param>
    /// <param name="now">The time.</param>
    public static bool MayHaveLost(DateTimeOffset? oldest, DateTimeOffset openedAt, DateTimeOffset now) =>
        oldest is { } reservedAt && (now - reservedAt).Duration() >= MaxReservationAge && (now - openedAt).Duration() >= MaxReservationAge;

    /// <summary>The part of amounts that is limited.</summary>
    public static Amounts Limited(Amounts amounts, Amounts limit) => new(
        limit.Requests >= Unlimited ? 0 : amounts.Requests,
        limit.Tokens >= Unlimited ? 0 : amounts.Tokens,
        limit.Credits >= Unlimited ? 0 : amounts.Credits);

    /// <summary>Amounts in which everything that is not limited is <see cref="Unlimited"/>.</summary>
    public static Amounts WithoutUnlimited(Amounts amounts, Amounts limit) => new(
        limit.Requests >= Unlimited ? Unlimited : amounts.Requests,
        limit.Tokens >= Unlimited ? Unlimited : amounts.Tokens,
        limit.Credits >= Unlimited ? Unlimited : amounts.Credits);

    /// <summary>The error of a turn that does not fit.</summary>
    public static Error Refusal(BudgetLimit limit, Amounts needed)
    {
        var owner = limit.Slot.KeyName is null ? "this tenant" : "this API key";
        if (limit.Slot.Period == BudgetPeriod.Ever)
            return new Error(ErrorCode.QuotaExceeded, $"The prepaid credit of {owner} does not suffice for this request. Add credit.");
        var (name, next) = limit.Slot.Period == BudgetPeriod.Day ? ("daily", "at 00:00 UTC") : ("monthly", "on the first day of the next month, UTC");
        var most = new List<string>();
        if (limit.Limit.Requests < Unlimited) most.Add($"{limit.Limit.Requests} requests");
        if (limit.Limit.Tokens < Unlimited) most.Add($"{limit.Limit.Tokens} tokens");
        if (limit.Limit.Credits < Unlimited) most.Add($"{limit.Limit.Credits / (decimal)Amounts.UnitsPerCredit:0.######} credits");
        return new Error(
            ErrorCode.QuotaExceeded,
            $"The {name} budget of {owner} ({string.Join(", ", most)}) does not suffice for this request, which may use {needed.Tokens} tokens. "
            + $"It starts again {next}.");
    }

    private static bool Fits(long needed, long left, long limit) => limit >= Unlimited || needed <= Math.Max(left, 0);

    private static Amounts ToAmounts(BudgetDefinition budget) => new(
        budget.Requests ?? Unlimited,
        budget.Tokens ?? Unlimited,
        budget.Credits is { } credits ? (long)(credits * Amounts.UnitsPerCredit) : Unlimited);
}
