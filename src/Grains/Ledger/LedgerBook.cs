namespace CozeCluster.Grains;

/// <summary>What a shard holds of budgets, and what its turns use of that, in one epoch. It is in memory only: the rows of the turns say the same.</summary>
internal sealed class LedgerBook(long epoch, DateTimeOffset openedAt)
{
    private readonly Dictionary<BudgetSlot, Held> _held = [];
    private readonly Dictionary<BudgetSlot, Amounts> _used = [];
    private readonly Dictionary<long, Entry> _open = [];
    private readonly Dictionary<string, Channel> _channels = [];

    /// <summary>The epoch.</summary>
    public long Epoch => epoch;

    /// <summary>When the epoch was opened.</summary>
    public DateTimeOffset OpenedAt => openedAt;

    /// <summary>How many reservations were made.</summary>
    public int Reservations { get; private set; }

    /// <summary>When the oldest reservation was made that has not been settled; null if there is none.</summary>
    public DateTimeOffset? Oldest => _open.Count == 0 ? null : _open.Values.Min(entry => entry.At);

    /// <summary>The charge of a turn that has a reservation.</summary>
    public TurnCharge? Find(long rowId) => _open.TryGetValue(rowId, out var entry) ? entry.Charge : null;

    /// <summary>Reserves for a turn if everything that it needs is held.</summary>
    /// <returns>Null if it is not.</returns>
    public TurnCharge? TryReserve(Reservation reservation, IReadOnlyList<BudgetLimit> limits, int day, bool isPrepaid, DateTimeOffset now)
    {
        foreach (var limit in limits)
        {
            if (!Fits(limit, reservation.Amounts)) return null;
        }
        var charge = new TurnCharge(epoch, day, reservation.Amounts, ChargeState.Reserved);
        foreach (var slot in BudgetRules.SlotsOf(reservation.KeyName, day, isPrepaid)) _used[slot] = Used(slot) + reservation.Amounts;
        _open[reservation.RowId] = new Entry(charge, reservation.KeyName, isPrepaid, now);
        Reservations++;
        return charge;
    }

    /// <summary>Whether amounts fit into what is held under a limit.</summary>
    public bool Fits(BudgetLimit limit, Amounts amounts) =>
        _held.TryGetValue(limit.Slot, out var held) && held.Limit == limit.Limit
            ? FitsInto(limit, held.Amounts, amounts)
            : BudgetRules.Limited(amounts, limit.Limit).IsZero();

    /// <summary>Whether amounts would fit if this were held.</summary>
    public bool FitsInto(BudgetLimit limit, Amounts held, Amounts amounts) => BudgetRules.Fits(Used(limit.Slot) + amounts, held, limit.Limit);

    /// <summary>Releases what a turn does not use.</summary>
    public void Settle(long rowId, Amounts charged)
    {
        if (!_open.Remove(rowId, out var entry)) return;
        foreach (var slot in BudgetRules.SlotsOf(entry.KeyName, entry.Charge.Day, entry.IsPrepaid))
            _used[slot] = Used(slot) - (entry.Charge.Amounts - Amounts.Min(charged, entry.Charge.Amounts));
    }

    /// <summary>Gives back what is not used of a budget, and begins a claim of it.</summary>
    /// <param name="keyName">The key whose budget it is; null: that of the tenant.</param>
    /// <param name="wanted">What is wanted under each limit.</param>
    /// <returns>The number of the claim, and its lines.</returns>
    public (long Number, IReadOnlyList<ClaimLine> Lines) BeginClaim(string? keyName, IReadOnlyList<(BudgetLimit Limit, Amounts Wanted)> wanted)
    {
        var lines = new List<ClaimLine>();
        foreach (var (limit, amounts) in wanted)
        {
            _held.Remove(limit.Slot);
            lines.Add(new ClaimLine(limit.Slot.Period, limit.Slot.Index, Used(limit.Slot), BudgetRules.Limited(amounts, limit.Limit)));
        }
        return (++ChannelOf(keyName).Claims, lines);
    }

    /// <summary>Takes what a budget has given, unless it has taken it back since.</summary>
    public void Apply(string? keyName, BudgetGrant grant, IReadOnlyList<(BudgetLimit Limit, Amounts Wanted)> wanted)
    {
        var channel = ChannelOf(keyName);
        if (grant.Sequence <= channel.Sequence) return;
        channel.Sequence = grant.Sequence;
        foreach (var (limit, _) in wanted)
        {
            var held = grant.Held.FirstOrDefault(line => line.Period == limit.Slot.Period && line.Index == limit.Slot.Index);
            if (held is not null) _held[limit.Slot] = new Held(held.Amounts, limit.Limit);
        }
    }

    /// <summary>Gives back what is not used of a budget.</summary>
    public RecallAnswer Recall(RecallRequest request)
    {
        var channel = ChannelOf(request.KeyName);
        channel.Sequence = Math.Max(channel.Sequence, request.Sequence);
        foreach (var slot in _held.Keys.Where(slot => slot.KeyName == request.KeyName).ToList()) _held[slot] = _held[slot] with { Amounts = Used(slot) };
        var used = _used.Where(entry => entry.Key.KeyName == request.KeyName)
            .Select(entry => new PeriodAmounts(entry.Key.Period, entry.Key.Index, entry.Value));
        return new RecallAnswer([.. used], Oldest);
    }

    private Amounts Used(BudgetSlot slot) => _used.GetValueOrDefault(slot);

    private Channel ChannelOf(string? keyName)
    {
        // No key has an empty name.
        if (!_channels.TryGetValue(keyName ?? "", out var channel)) _channels[keyName ?? ""] = channel = new Channel();
        return channel;
    }

    private readonly record struct Held(Amounts Amounts, Amounts Limit);

    private sealed record Entry(TurnCharge Charge, string? KeyName, bool IsPrepaid, DateTimeOffset At);

    /// <summary>The exchange with one budget.</summary>
    private sealed class Channel
    {
        /// <summary>How many claims were made.</summary>
        public long Claims { get; set; }

        /// <summary>The number of the last grant or recall.</summary>
        public long Sequence { get; set; }
    }
}
