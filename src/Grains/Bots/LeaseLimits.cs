namespace CozeCluster.Grains;

/// <summary>
/// The limits per minute and the budgets of one bot or account, over all tenants. Limits per minute are counted in memory. Of a budget, parts are claimed
/// durably before they are used, which become smaller as less is left. After a crash everything that was claimed counts as used, so a budget is never exceeded.
/// </summary>
/// <param name="claimed">What is claimed, by period; part of the state of the grain.</param>
/// <param name="save">Saves that state.</param>
/// <param name="time">The clock.</param>
/// <param name="subject">What messages call the bot or the account.</param>
internal sealed class LeaseLimits(List<PeriodAmounts> claimed, Func<Task> save, TimeProvider time, string subject)
{
    /// <summary>What is left is claimed in this many parts.</summary>
    private const int Parts = 16;

    private readonly Dictionary<string, Held> _held = [];

    /// <summary>What is used, with what running turns may use. It begins with everything that was claimed before.</summary>
    private readonly List<PeriodAmounts> _used = [.. claimed];

    private long _changes;
    private long _savedChanges;

    // Most bots and accounts have no limits.
    private MinuteWindow Requests => field ??= new MinuteWindow(time);

    private MinuteWindow Tokens => field ??= new MinuteWindow(time);

    /// <summary>The number of leases that are counted and have not been settled.</summary>
    public int Leases => _held.Count;

    /// <summary>Whether the limits allow a turn. Counts nothing.</summary>
    /// <returns>Null if they do; otherwise the error, which says when the turn would fit.</returns>
    public Error? Check(Amounts needed, LimitsDefinition? limits)
    {
        if (limits is null) return null;
        var now = time.GetUtcNow();
        if (Requests.Used + 1 > limits.RequestsPerMinute)
            return AtLimit("requests per minute", now + Requests.TimeUntilFits(1, limits.RequestsPerMinute.Value));
        // As for tenants: a turn that may use more than the limit may use the whole minute.
        if (Tokens.Used > 0 && Tokens.Used + needed.Tokens > limits.TokensPerMinute)
            return AtLimit("tokens per minute", now + Tokens.TimeUntilFits(needed.Tokens, limits.TokensPerMinute.Value));
        foreach (var (period, index, limit) in BudgetsOf(limits))
        {
            if (BudgetRules.Fits(needed, limit - Find(_used, period, index), limit)) continue;
            return period == BudgetPeriod.Day
                ? AtLimit("daily budget", new DateTimeOffset(now.UtcDateTime.Date.AddDays(1), TimeSpan.Zero))
                : AtLimit("monthly budget", new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1));
        }
        return null;
    }

    /// <summary>Counts a turn that the limits allow. When the task completes, what it may use of budgets is claimed durably.</summary>
    /// <exception cref="ClusterException">The storage failed. The caller must <see cref="Release"/> the turn.</exception>
    public Task Reserve(string leaseId, Amounts needed, LimitsDefinition? limits)
    {
        if (limits is null) return Task.CompletedTask;
        Requests.Add(1);
        Tokens.Add(needed.Tokens);
        var periods = new List<(BudgetPeriod Period, int Index)>();
        foreach (var (period, index, limit) in BudgetsOf(limits))
        {
            var used = Find(_used, period, index) + needed;
            Set(_used, period, index, used);
            periods.Add((period, index));
            if (BudgetRules.Fits(used, Find(claimed, period, index), limit)) continue;
            var left = BudgetRules.Limited(limit - used, limit);
            Set(claimed, period, index, used + new Amounts(left.Requests / Parts, left.Tokens / Parts, left.Credits / Parts));
            _changes++;
        }
        _held[leaseId] = new Held(needed, Requests.Second, periods);
        return _changes > _savedChanges ? Save() : Task.CompletedTask;
    }

    /// <summary>Corrects what is counted for a turn that has ended.</summary>
    /// <param name="leaseId">The lease. One that is not counted here is ignored.</param>
    /// <param name="used">What it has used; null: everything that it might use.</param>
    public void Settle(string leaseId, Amounts? used)
    {
        if (!_held.Remove(leaseId, out var held) || used is not { } amounts) return;
        var unused = held.Amounts - Amounts.Min(amounts, held.Amounts);
        // Tokens per minute are what the upstream counts, also if they are more than was expected.
        Tokens.Correct(held.Second, amounts.Tokens - held.Amounts.Tokens);
        foreach (var (period, index) in held.Periods) Set(_used, period, index, Find(_used, period, index) - unused);
    }

    /// <summary>Takes back a turn that does not take place.</summary>
    public void Release(string leaseId)
    {
        if (_held.TryGetValue(leaseId, out var held)) Requests.Correct(held.Second, -1);
        Settle(leaseId, default(Amounts));
    }

    /// <summary>Forgets leases that have expired. What they might use stays used.</summary>
    /// <param name="isHeld">Whether a lease is still held.</param>
    public void Prune(Func<string, bool> isHeld)
    {
        foreach (var leaseId in _held.Keys)
        {
            if (!isHeld(leaseId)) _held.Remove(leaseId);
        }
    }

    /// <summary>Gives back what is claimed and not used. Called before the grain deactivates, which then saves the state.</summary>
    /// <returns>Whether there is something to save.</returns>
    public bool GiveBack()
    {
        if (claimed.SequenceEqual(_used)) return false;
        claimed.Clear();
        claimed.AddRange(_used);
        return true;
    }

    /// <summary>The budgets that count now. A clock that is set back does not begin a period again.</summary>
    private IEnumerable<(BudgetPeriod Period, int Index, Amounts Limit)> BudgetsOf(LimitsDefinition limits) =>
        from budget in BudgetRules.BudgetsOf(limits, TurnCharge.DayOf(time.GetUtcNow()))
        let latest = _used.Find(line => line.Period == budget.Period)?.Index ?? budget.Index
        select (budget.Period, Math.Max(budget.Index, latest), budget.Limit);

    private async Task Save()
    {
        var saving = _changes;
        await save();
        _savedChanges = Math.Max(_savedChanges, saving);
    }

    private Error AtLimit(string limit, DateTimeOffset until) =>
        new(ErrorCode.UpstreamRateLimited, $"The {subject} has used up its {limit}.", Until: until);

    private static Amounts Find(List<PeriodAmounts> list, BudgetPeriod period, int index) =>
        list.Find(line => line.Period == period && line.Index == index)?.Amounts ?? default;

    private static void Set(List<PeriodAmounts> list, BudgetPeriod period, int index, Amounts amounts)
    {
        // Of each kind, only the latest period is kept. Turns that end after midnight have used the day before.
        if (list.Exists(line => line.Period == period && line.Index > index)) return;
        list.RemoveAll(line => line.Period == period);
        list.Add(new PeriodAmounts(period, index, amounts));
    }

    /// <summary>A turn that is counted.</summary>
    /// <param name="Amounts">What it may use.</param>
    /// <param name="Second">The second in which it counts.</param>
    /// <param name="Periods">The periods whose budgets it uses.</param>
    private sealed record Held(Amounts Amounts, long Second, List<(BudgetPeriod Period, int Index)> Periods);
}
