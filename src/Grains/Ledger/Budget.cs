namespace CozeCluster.Grains;

/// <summary>
/// The budgets of a tenant or a key. Everything that a claim changes is saved before the claim is answered. Claims are handled one after another. After an
/// exception, the state in memory may differ from the stored one, and must not be used any more.
/// </summary>
/// <param name="state">The state.</param>
/// <param name="save">Saves it.</param>
/// <param name="store">The epochs, and the rows of their turns.</param>
/// <param name="fleet">The limits.</param>
/// <param name="time">The clock.</param>
/// <param name="recall">Calls a shard.</param>
internal sealed class Budget(
    BudgetState state, Func<Task> save, ILedgerStore store, IFleetView fleet, TimeProvider time, Func<int, RecallRequest, Task<RecallAnswer?>> recall)
{
    private static readonly TimeSpan RecallTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ReadInterval = TimeSpan.FromMinutes(1);

    private DateTimeOffset _readAt;

    private static BudgetGrant Closed { get; } = new(0, [], IsExact: false, IsClosed: true);

    private DateTimeOffset UnknownBefore => time.GetUtcNow() - TurnCharge.UnknownHold;

    /// <summary>See <see cref="IBudgetGrain.Claim"/>.</summary>
    public async Task<BudgetGrant> Claim(BudgetClaim claim)
    {
        var epoch = state.Find(claim.Epoch);
        if (epoch is { Uses: not null }) return Closed;
        // The answer to this claim was lost, or this claim was delayed and its caller has made others since.
        if (epoch is not null && claim.Number <= epoch.Claim) return GrantTo(epoch, isExact: false);
        var isNew = epoch is null;
        if (epoch is null)
        {
            // It may have been closed and forgotten. Its turns are counted already.
            if (!await store.IsOpen(claim.Epoch, CancellationToken.None)) return Closed;
            // A shard reserves in one epoch at a time. One that was closed before it claimed anything is unknown here, and its turns are never stored.
            foreach (var other in state.Epochs.Where(other => other.Shard == claim.Shard && other.Uses is null).ToList()) await Close(other, claim.KeyName);
            epoch = new BudgetEpoch { Id = claim.Epoch, Shard = claim.Shard, KnownAt = time.GetUtcNow() };
            state.Epochs.Add(epoch);
        }
        epoch.Claim = claim.Number;
        if (time.GetUtcNow() - _readAt >= ReadInterval) await ReadClosed(claim.KeyName);

        var limits = claim.Lines.Select(line => (Line: line, Limit: LimitOf(claim, line.Period))).ToList();
        // A recall may have come between this claim and its handling. Without a record of it, the shard has to say again what it uses.
        var isKnown = isNew || limits.TrueForAll(line => epoch.HeldIn(line.Line.Period, line.Line.Index, line.Limit) is not null);
        var isExact = !isKnown || !Suffices(limits, epoch);
        if (isExact)
        {
            await ReadClosed(claim.KeyName);
            await RecallAll(claim, limits, isKnown ? epoch : null);
        }
        if (epoch.Uses is null)
        {
            epoch.SetHeld([.. limits.Select(line =>
            {
                var used = epoch.UsedBy(line.Line, line.Limit);
                var left = state.Left(line.Line, used, line.Limit, epoch);
                return BudgetBook.Hold(line.Line, used + BudgetBook.Grant(line.Line.Wanted, left, line.Limit), line.Limit, left);
            })]);
            epoch.Sequence++;
        }
        state.Fold(TurnCharge.DayOf(time.GetUtcNow()));
        await save();
        return epoch.Uses is null ? GrantTo(epoch, isExact) : Closed;
    }

    /// <summary>See <see cref="IBudgetGrain.EndEpochs"/>.</summary>
    public async Task EndEpochs(int shard)
    {
        var open = state.Epochs.Where(epoch => epoch.Shard == shard && epoch.Uses is null).ToList();
        if (open.Count == 0) return;
        foreach (var epoch in open) await Close(epoch, keyName: null);
        state.Fold(TurnCharge.DayOf(time.GetUtcNow()));
        await save();
    }

    /// <summary>See <see cref="IBudgetGrain.GetStatus"/>.</summary>
    public async Task<BudgetStatus> GetStatus(string? keyName)
    {
        var (settled, reserved, unknown) = (state.Used.ToList(), new List<PeriodAmounts>(), new List<PeriodAmounts>());
        foreach (var epoch in state.Epochs)
        {
            foreach (var use in await store.ReadEpoch(epoch.Id, keyName, UnknownBefore, CancellationToken.None))
            {
                foreach (var (period, index) in BudgetBook.PeriodsOf(epoch, use.Day))
                {
                    Add(settled, period, index, use.Settled);
                    Add(reserved, period, index, use.Reserved);
                    Add(unknown, period, index, use.Unknown);
                }
            }
        }
        return new BudgetStatus(settled, reserved, unknown, state.Credit);
    }

    private static void Add(List<PeriodAmounts> list, BudgetPeriod period, int index, Amounts amounts)
    {
        if (amounts.IsZero()) return;
        var known = list.FindIndex(line => line.Period == period && line.Index == index);
        if (known < 0) list.Add(new PeriodAmounts(period, index, amounts));
        else list[known] = list[known] with { Amounts = list[known].Amounts + amounts };
    }

    private static BudgetGrant GrantTo(BudgetEpoch epoch, bool isExact)
    {
        var held = epoch.Held.Select(line => new PeriodAmounts(line.Period, line.Index, line.Amounts - line.Overdrawn));
        return new BudgetGrant(epoch.Sequence, [.. held], isExact, IsClosed: false);
    }

    /// <summary>Whether the budget has what is wanted, as far as it knows without asking others.</summary>
    private bool Suffices(List<(ClaimLine Line, Amounts Limit)> limits, BudgetEpoch claimant)
    {
        foreach (var (line, limit) in limits)
        {
            if (!BudgetRules.Fits(line.Wanted, state.Left(line, claimant.UsedBy(line, limit), limit, claimant), limit)) return false;
            // What another epoch uses of a period that it has not claimed is not known.
            if (state.Epochs.Exists(other => other != claimant && other.Uses is null
                && other.CountsIn(line.Period) && other.HeldIn(line.Period, line.Index, limit) is null)) return false;
        }
        return true;
    }

    private Amounts LimitOf(BudgetClaim claim, BudgetPeriod period)
    {
        if (period == BudgetPeriod.Ever) return new Amounts(BudgetRules.Unlimited, BudgetRules.Unlimited, state.Credit);
        // The index does not matter: every day has the same limit, and every month.
        foreach (var limit in BudgetRules.LimitsOf(fleet, claim.TenantId, claim.KeyName, TurnCharge.DayOf(time.GetUtcNow())))
        {
            if (limit.Slot.KeyName == claim.KeyName && limit.Slot.Period == period) return limit.Limit;
        }
        return new Amounts(BudgetRules.Unlimited, BudgetRules.Unlimited, BudgetRules.Unlimited);
    }

    /// <summary>Takes back what shards do not use. An epoch whose shard does not answer is closed.</summary>
    private Task RecallAll(BudgetClaim claim, List<(ClaimLine Line, Amounts Limit)> limits, BudgetEpoch? except) => Task.WhenAll(
        state.Epochs.Where(epoch => epoch != except && epoch.Uses is null).ToList().Select(epoch => Recall(claim, limits, epoch)));

    private async Task Recall(BudgetClaim claim, List<(ClaimLine Line, Amounts Limit)> limits, BudgetEpoch epoch)
    {
        // The claim that is being handled has no answer yet.
        var granted = epoch.Id == claim.Epoch ? null : GrantTo(epoch, isExact: false);
        epoch.Sequence++;
        var answer = await TryRecall(epoch, new RecallRequest(claim.KeyName, epoch.Id, epoch.Sequence) { AnsweredClaim = epoch.Claim, Granted = granted });
        if (answer is null || (epoch.Id != claim.Epoch && BudgetRules.MayHaveLost(answer.Oldest, epoch.KnownAt, time.GetUtcNow())))
        {
            await Close(epoch, claim.KeyName);
            return;
        }
        epoch.SetHeld([.. limits.Where(line => epoch.CountsIn(line.Line.Period)).Select(line => BudgetBook.Hold(
            line.Line,
            answer.Used.FirstOrDefault(used => used.Period == line.Line.Period && used.Index == line.Line.Index)?.Amounts ?? default,
            line.Limit))]);
    }

    private async Task<RecallAnswer?> TryRecall(BudgetEpoch epoch, RecallRequest request)
    {
        try
        {
            return await recall(epoch.Shard, request).WaitAsync(RecallTimeout, time);
        }
        catch (Exception exception) when (exception is TimeoutException or ClusterException or OperationCanceledException)
        {
            return null;
        }
    }

    /// <summary>
    /// Closes an epoch. Nobody can store a charge of it any more, so the rows are all that it uses. It is read before as well: its old rows may be deleted as
    /// soon as it is closed.
    /// </summary>
    private async Task Close(BudgetEpoch epoch, string? keyName)
    {
        var before = await store.ReadEpoch(epoch.Id, keyName, UnknownBefore, CancellationToken.None);
        await store.CloseEpoch(epoch.Id);
        epoch.Close(before);
        epoch.Close(await store.ReadEpoch(epoch.Id, keyName, UnknownBefore, CancellationToken.None));
    }

    /// <summary>Reads again what closed epochs use whose turns have not all ended.</summary>
    private async Task ReadClosed(string? keyName)
    {
        _readAt = time.GetUtcNow();
        foreach (var epoch in state.Epochs.Where(epoch => epoch.Uses is not null))
            epoch.Close(await store.ReadEpoch(epoch.Id, keyName, UnknownBefore, CancellationToken.None));
    }
}
