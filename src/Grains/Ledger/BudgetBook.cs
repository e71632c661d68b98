namespace CozeCluster.Grains;

/// <summary>The arithmetic of a budget: what is left of it, and who gets how much.</summary>
internal static class BudgetBook
{
    /// <summary>How many blocks remain when a shard gets one. So blocks shrink with what is left, to what is needed.</summary>
    private const int BlocksLeft = 8;

    /// <summary>How many days and months with turns are kept. A clock that is wrong for less, and then set right, does not begin a period again.</summary>
    private const int KeptDays = 8;

    private const int KeptMonths = 4;

    /// <summary>The epoch, if it is known.</summary>
    public static BudgetEpoch? Find(this BudgetState state, long epoch) => state.Epochs.Find(known => known.Id == epoch);

    /// <summary>What an epoch holds of a period; null if it has claimed nothing of it under this limit, so that nobody knows what it uses.</summary>
    public static Amounts? HeldIn(this BudgetEpoch epoch, BudgetPeriod period, int index, Amounts limit) =>
        epoch.Held.Find(line => line.Period == period && line.Index == index && line.Limit == MaskOf(period, limit))?.Amounts;

    /// <summary>Whether the turns of an epoch count in a period of this kind. All of them use prepaid credit, if it has claimed any, or none.</summary>
    public static bool CountsIn(this BudgetEpoch epoch, BudgetPeriod period) =>
        period != BudgetPeriod.Ever || epoch.Held.Exists(line => line.Period == BudgetPeriod.Ever);

    /// <summary>Replaces what an epoch holds. An epoch that has used prepaid credit remains one that does.</summary>
    public static void SetHeld(this BudgetEpoch epoch, List<HeldAmounts> held)
    {
        if (!held.Exists(line => line.Period == BudgetPeriod.Ever)) held.AddRange(epoch.Held.Where(line => line.Period == BudgetPeriod.Ever));
        epoch.Held = held;
    }

    /// <summary>What an epoch holds of a period.</summary>
    /// <param name="line">The period.</param>
    /// <param name="amounts">The amounts, with what it uses.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="left">What was left of the period before, besides what the epoch uses. Less than nothing is <see cref="HeldAmounts.Overdrawn"/>.</param>
    public static HeldAmounts Hold(ClaimLine line, Amounts amounts, Amounts limit, Amounts left = default) =>
        new(line.Period, line.Index, BudgetRules.WithoutUnlimited(amounts, limit), MaskOf(line.Period, limit))
        {
            Overdrawn = BudgetRules.Limited(Amounts.Max(default(Amounts) - left, default), limit),
        };

    /// <summary>What is left of a period for one epoch, if it held only what it uses. Less than nothing if a limit was lowered.</summary>
    /// <param name="state">The budget.</param>
    /// <param name="line">The period.</param>
    /// <param name="used">What the epoch uses.</param>
    /// <param name="limit">The limit.</param>
    /// <param name="claimant">The epoch.</param>
    public static Amounts Left(this BudgetState state, ClaimLine line, Amounts used, Amounts limit, BudgetEpoch claimant)
    {
        var left = limit - state.UsedIn(line.Period, line.Index) - used;
        foreach (var epoch in state.Epochs)
        {
            if (epoch.Uses is { } uses) left -= Sum(epoch, uses, line.Period, line.Index);
            else if (epoch != claimant) left -= epoch.HeldIn(line.Period, line.Index, limit) ?? default;
        }
        return left;
    }

    /// <summary>
    /// What an epoch uses that claims: what the claim says, unless the shard has given back more since it made the claim, to another claim that was handled
    /// before this one.
    /// </summary>
    public static Amounts UsedBy(this BudgetEpoch epoch, ClaimLine line, Amounts limit) =>
        epoch.HeldIn(line.Period, line.Index, limit) is { } held ? Amounts.Min(line.Used, held) : line.Used;

    /// <summary>What a claim gets of a period: what it wants or what is left, and a block besides if much is left.</summary>
    public static Amounts Grant(Amounts wanted, Amounts left, Amounts limit) => new(
        Grant(wanted.Requests, left.Requests, limit.Requests),
        Grant(wanted.Tokens, left.Tokens, limit.Tokens),
        Grant(wanted.Credits, left.Credits, limit.Credits));

    /// <summary>Replaces what an epoch holds by what its turns use.</summary>
    /// <remarks>
    /// What turns were charged never becomes less. If it seems so, rows of the log were deleted because of their age, and what was known of them remains.
    /// </remarks>
    public static void Close(this BudgetEpoch epoch, IReadOnlyList<EpochUse> uses)
    {
        var before = epoch.Uses ?? [];
        var days = uses.Select(use => use.Day).Union(before.Select(use => use.Day));
        epoch.Uses =
        [
            .. days.Order().Select(day =>
            {
                var now = uses.FirstOrDefault(use => use.Day == day) ?? new EpochUse(day, default, default, default, 0);
                var settled = Amounts.Max(now.Settled, before.Find(use => use.Day == day)?.Settled ?? default);
                return new ClosedUse(day, settled, now.Reserved + now.Unknown, now.Open);
            }),
        ];
    }

    /// <summary>Adds epochs whose turns have all ended to what was used, and forgets them, and periods that are far from today.</summary>
    public static void Fold(this BudgetState state, int today)
    {
        foreach (var epoch in state.Epochs.Where(epoch => epoch.Uses?.TrueForAll(use => use.Turns == 0) == true).ToList())
        {
            foreach (var use in epoch.Uses!)
            {
                foreach (var (period, index) in PeriodsOf(epoch, use.Day))
                {
                    var before = state.UsedIn(period, index);
                    state.Used.RemoveAll(line => line.Period == period && line.Index == index);
                    state.Used.Add(new PeriodAmounts(period, index, before + use.Settled));
                }
            }
            state.Epochs.Remove(epoch);
        }
        Keep(state, BudgetPeriod.Day, today, KeptDays);
        Keep(state, BudgetPeriod.Month, TurnCharge.MonthOf(today), KeptMonths);
    }

    /// <summary>What was used of a period in epochs that are forgotten.</summary>
    public static Amounts UsedIn(this BudgetState state, BudgetPeriod period, int index) =>
        state.Used.Find(line => line.Period == period && line.Index == index)?.Amounts ?? default;

    /// <summary>The periods in which what an epoch used on a day counts.</summary>
    public static IEnumerable<(BudgetPeriod Period, int Index)> PeriodsOf(BudgetEpoch epoch, int day)
    {
        yield return (BudgetPeriod.Day, day);
        yield return (BudgetPeriod.Month, TurnCharge.MonthOf(day));
        if (epoch.CountsIn(BudgetPeriod.Ever)) yield return (BudgetPeriod.Ever, 0);
    }

    private static void Keep(BudgetState state, BudgetPeriod period, int now, int count)
    {
        foreach (var line in state.Used.Where(line => line.Period == period).OrderBy(line => Math.Abs(line.Index - now)).Skip(count).ToList())
            state.Used.Remove(line);
    }

    // The credit itself changes with every payment, and only says that credits are limited.
    private static Amounts MaskOf(BudgetPeriod period, Amounts limit) => period == BudgetPeriod.Ever ? limit with { Credits = 0 } : limit;

    private static Amounts Sum(BudgetEpoch epoch, List<ClosedUse> uses, BudgetPeriod period, int index)
    {
        var sum = default(Amounts);
        foreach (var use in uses)
        {
            if (PeriodsOf(epoch, use.Day).Contains((period, index))) sum += use.Settled + use.Open;
        }
        return sum;
    }

    private static long Grant(long wanted, long left, long limit)
    {
        if (limit >= BudgetRules.Unlimited || wanted <= 0 && left <= 0) return Math.Max(wanted, 0);
        return left <= wanted ? Math.Max(left, 0) : wanted + (left - wanted) / BlocksLeft;
    }
}
