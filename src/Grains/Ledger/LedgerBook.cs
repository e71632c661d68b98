namespace CozeCluster.Grains;

/// <summary>What a shard holds of budgets, and what its turns use of that, in one epoch. It is in memory only: the rows of the turns say the same.</summary>
internal sealed class LedgerBook(long epoch, DateTimeOffset openedAt)
{
    private readonly Dictionary<BudgetSlot, Held> _held = [];
    private readonly Dictionary<BudgetSlot, Amounts> _used = [];
    private readonly Dictionary<long, Entry> _open = [];
    private readonly Dictionary<string, Channel> _channels = [];
    private readonly Dictionary<string, BudgetScope> _scopes = [];

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

    /// <summary>
    /// Binds the epoch to what these limits count: whether the tenant and the key have a budget, and whether the tenant uses prepaid credit. A budget counts
    /// all turns of an epoch or none, so the first turn sets this. False: the turn needs another epoch.
    /// </summary>
    public bool TryBind(string? keyName, IReadOnlyList<BudgetLimit> limits) =>
        TryBind("", BudgetRules.ScopeOf(null, limits)) && (keyName is null || TryBind(keyName, BudgetRules.ScopeOf(keyName, limits)));

    /// <summary>Reserves for a turn if everything that it needs is held.</summary>
    /// <returns>Null if it is not.</returns>
    public TurnCharge? TryReserve(Reservation reservation, IReadOnlyList<BudgetLimit> limits, int day, DateTimeOffset now)
    {
        foreach (var limit in limits)
        {
            if (!Fits(limit, reservation.Amounts)) return null;
        }
        var charge = new TurnCharge(epoch, day, reservation.Amounts, ChargeState.Reserved);
        BudgetSlot[] slots = [.. BudgetRules.SlotsOf(reservation.KeyName, limits, day)];
        foreach (var slot in slots) _used[slot] = Used(slot) + reservation.Amounts;
        _open[reservation.RowId] = new Entry(charge, slots, now);
        Reservations++;
        return charge;
    }

    /// <summary>
    /// Whether amounts fit into what is held under a limit. Nothing fits into a budget that does not know of this epoch: it would not count the epoch.
    /// </summary>
    public bool Fits(BudgetLimit limit, Amounts amounts) =>
        _held.TryGetValue(limit.Slot, out var held) && held.Limit == limit.Limit
            ? FitsInto(limit, held.Amounts, amounts)
            : ChannelOf(limit.Slot.KeyName).Sequence > 0 && BudgetRules.Limited(amounts, limit.Limit).IsZero();

    /// <summary>Whether amounts would fit if this were held.</summary>
    public bool FitsInto(BudgetLimit limit, Amounts held, Amounts amounts) => BudgetRules.Fits(amounts, held - Used(limit.Slot), limit.Limit);

    /// <summary>Releases what a turn does not use.</summary>
    public void Settle(long rowId, Amounts charged)
    {
        if (!_open.Remove(rowId, out var entry)) return;
        foreach (var slot in entry.Slots) _used[slot] = Used(slot) - (entry.Charge.Amounts - Amounts.Min(charged, entry.Charge.Amounts));
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
        var channel = ChannelOf(keyName);
        channel.Claimed = [.. wanted.Select(line => line.Limit)];
        return (++channel.Claims, lines);
    }

    /// <summary>Takes what a budget has given, unless it has taken it back since.</summary>
    /// <param name="keyName">The key whose budget it is; null: that of the tenant.</param>
    /// <param name="claim">The number of the claim. Only what was given to the last one is taken.</param>
    /// <param name="grant">What the budget has given.</param>
    /// <returns>Whether it was taken.</returns>
    public bool Apply(string? keyName, long claim, BudgetGrant grant)
    {
        var channel = ChannelOf(keyName);
        if (claim != channel.Claims || grant.Sequence <= channel.Sequence) return false;
        channel.Sequence = grant.Sequence;
        foreach (var limit in channel.Claimed)
        {
            var held = grant.Held.FirstOrDefault(line => line.Period == limit.Slot.Period && line.Index == limit.Slot.Index);
            if (held is not null) _held[limit.Slot] = new Held(held.Amounts, limit.Limit);
        }
        return true;
    }

    /// <summary>Gives back what is not used of a budget.</summary>
    public RecallAnswer Recall(RecallRequest request)
    {
        var channel = ChannelOf(request.KeyName);
        channel.Sequence = Math.Max(channel.Sequence, request.Sequence);
        // It holds less than it uses if a limit was lowered. What becomes free then is not its own.
        foreach (var slot in _held.Keys.Where(slot => slot.KeyName == request.KeyName).ToList())
            _held[slot] = _held[slot] with { Amounts = Amounts.Min(_held[slot].Amounts, Used(slot)) };
        var used = _used.Where(entry => entry.Key.KeyName == request.KeyName)
            .Select(entry => new PeriodAmounts(entry.Key.Period, entry.Key.Index, entry.Value));
        return new RecallAnswer([.. used], Oldest);
    }

    // No key has an empty name.
    private bool TryBind(string name, BudgetScope scope) => _scopes.TryGetValue(name, out var bound) ? bound == scope : _scopes.TryAdd(name, scope);

    private Amounts Used(BudgetSlot slot) => _used.GetValueOrDefault(slot);

    private Channel ChannelOf(string? keyName)
    {
        if (!_channels.TryGetValue(keyName ?? "", out var channel)) _channels[keyName ?? ""] = channel = new Channel();
        return channel;
    }

    private readonly record struct Held(Amounts Amounts, Amounts Limit);

    private sealed record Entry(TurnCharge Charge, BudgetSlot[] Slots, DateTimeOffset At);

    /// <summary>The exchange with one budget.</summary>
    private sealed class Channel
    {
        /// <summary>How many claims were made.</summary>
        public long Claims { get; set; }

        /// <summary>What the last claim was for.</summary>
        public BudgetLimit[] Claimed { get; set; } = [];

        /// <summary>The number of the last grant or recall.</summary>
        public long Sequence { get; set; }
    }
}
