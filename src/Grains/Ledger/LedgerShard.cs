using System.Security.Cryptography;

namespace CozeCluster.Grains;

/// <summary>
/// A shard of a tenant's ledger: reserves from what it holds, and claims more when that does not suffice. A turn is refused only after a claim for which the
/// budget has taken back whatever others do not use.
/// </summary>
/// <param name="tenantId">The tenant.</param>
/// <param name="shard">The number of the shard.</param>
/// <param name="fleet">The limits.</param>
/// <param name="store">Opens epochs.</param>
/// <param name="time">The clock.</param>
/// <param name="claim">Calls a budget.</param>
/// <param name="endEpochs">Calls <see cref="IBudgetGrain.EndEpochs"/> of the tenant's budget.</param>
internal sealed class LedgerShard(
    string tenantId, int shard, IFleetView fleet, ILedgerStore store, TimeProvider time, Func<BudgetClaim, Task<BudgetGrant>> claim, Func<Task> endEpochs)
{
    /// <summary>An epoch ends after this time or number of reservations, so that few rows have to be read to know what was used in it.</summary>
    private static readonly TimeSpan MaxEpochAge = TimeSpan.FromHours(1);

    private const int MaxReservations = 10_000;

    /// <summary>How often a turn asks again. Each time, the shard lost what it had claimed: rare, but somebody else got it.</summary>
    private const int MaxRounds = 25;

    private readonly List<Waiter> _waiting = [];

    /// <summary>
    /// What this shard could have under a limit when the budget handled the last claim, and nobody else held anything unused. What did not fit then is refused,
    /// also if another shard got this in the meantime: shards whose claims alternate would otherwise take it from each other without an end.
    /// </summary>
    private readonly Dictionary<BudgetLimit, Amounts> _most = [];
    private LedgerBook? _book;
    private bool _isClaiming;

    /// <summary>The turns for which the shard claims.</summary>
    private List<Waiter> _batch = [];

    /// <summary>See <see cref="ILedgerShardGrain.Reserve"/>.</summary>
    public Task<ReservationResult> Reserve(Reservation reservation)
    {
        if (_book is not null && reservation.LostEpoch == _book.Epoch) _book = null;
        if (_book?.Find(reservation.RowId) is { } known) return Task.FromResult(new ReservationResult(known, null));
        if (_waiting.Find(other => other.Reservation.RowId == reservation.RowId) is { } waiting) return waiting.Result.Task;
        var now = time.GetUtcNow();
        // Turns that wait are served first.
        if (_waiting.Count == 0 && IsUsable(_book, now) && TryReserve(_book!, reservation, now) is { } charge)
            return Task.FromResult(new ReservationResult(charge, null));
        var waiter = new Waiter(reservation);
        _waiting.Add(waiter);
        if (!_isClaiming) _ = ClaimForAll();
        return waiter.Result.Task;
    }

    /// <summary>See <see cref="ILedgerShardGrain.Settle"/>.</summary>
    public void Settle(long rowId, Amounts charged) => _book?.Settle(rowId, charged);

    /// <summary>See <see cref="ILedgerShardGrain.Recall"/>.</summary>
    public RecallAnswer? Recall(RecallRequest request)
    {
        if (_book is not { } book || book.Epoch != request.Epoch) return null;
        // Recalls overtake grants. Shards that compete would take these from each other before a turn is served, again and again.
        if (request.Granted is { } grant && book.Apply(request.KeyName, request.AnsweredClaim, grant)) Serve(book, _batch);
        return book.Recall(request);
    }

    private static bool IsUsable(LedgerBook? book, DateTimeOffset now) =>
        book is { Reservations: < MaxReservations } && (now - book.OpenedAt).Duration() < MaxEpochAge;

    private async Task ClaimForAll()
    {
        _isClaiming = true;
        try
        {
            while (_waiting.Count > 0) await ClaimForWaiting();
        }
        finally
        {
            _isClaiming = false;
        }
    }

    private async Task ClaimForWaiting()
    {
        var batch = _batch = [.. _waiting];
        _most.Clear();
        try
        {
            if (!IsUsable(_book, time.GetUtcNow())) await OpenEpoch();
            await Claim(_book!, batch);
            ServeOrRefuse(batch);
        }
        catch (Exception exception)
        {
            foreach (var waiter in batch.Where(waiter => !waiter.Result.Task.IsCompleted))
                End(waiter, static (waiter, exception) => waiter.Result.TrySetException(exception), exception);
        }
    }

    private void ServeOrRefuse(List<Waiter> batch)
    {
        var now = time.GetUtcNow();
        var kept = new Dictionary<BudgetLimit, Amounts>();
        if (_book is { } book) Serve(book, batch);
        foreach (var waiter in batch.Where(waiter => !waiter.Result.Task.IsCompleted))
        {
            if (_book is { } current && FindShortage(current, waiter.Reservation, kept) is { } refusal)
            {
                if (BudgetRules.MayHaveLost(current.Oldest, current.OpenedAt, now))
                {
                    // When the epoch is closed, its rows show what was used.
                    _book = null;
                    return;
                }
                End(waiter, static (waiter, refusal) => waiter.Result.TrySetResult(new ReservationResult(null, refusal)), refusal);
            }
            else if (++waiter.Rounds >= MaxRounds)
            {
                End(waiter, static (waiter, error) => waiter.Result.TrySetException(error), Busy());
            }
        }
    }

    private void Serve(LedgerBook book, List<Waiter> batch)
    {
        var now = time.GetUtcNow();
        foreach (var waiter in batch.Where(waiter => !waiter.Result.Task.IsCompleted))
        {
            if (TryReserve(book, waiter.Reservation, now) is { } charge)
                End(waiter, static (waiter, charge) => waiter.Result.TrySetResult(new ReservationResult(charge, null)), charge);
        }
    }

    private async Task OpenEpoch()
    {
        try
        {
            await endEpochs();
        }
        catch (ClusterException)
        {
            // The first claim of the new epoch closes the others too. Only rows that are about to be deleted because of their age may be lost until then.
        }
        // It has never been used, and is never 0.
        var next = BitConverter.ToInt64(RandomNumberGenerator.GetBytes(8)) >>> 2 | 1;
        var openedAt = time.GetUtcNow();
        await store.ReplaceEpoch(tenantId, shard, next);
        _book = new LedgerBook(next, openedAt);
    }

    /// <summary>Claims what is missing for turns that wait, of all budgets at the same time.</summary>
    private Task Claim(LedgerBook book, List<Waiter> batch)
    {
        var day = TurnCharge.DayOf(time.GetUtcNow());
        var wanted = new Dictionary<BudgetSlot, (BudgetLimit Limit, Amounts Wanted)>();
        foreach (var waiter in batch)
        {
            var limits = LimitsOf(waiter.Reservation, day);
            if (!book.TryBind(waiter.Reservation.KeyName, limits))
            {
                // The next round begins another epoch.
                _book = null;
                return Task.CompletedTask;
            }
            foreach (var limit in limits)
            {
                var before = wanted.GetValueOrDefault(limit.Slot).Wanted;
                wanted[limit.Slot] = (limit, before + waiter.Reservation.Amounts);
            }
        }
        var claims = new List<Task>();
        foreach (var budget in wanted.Values.GroupBy(line => line.Limit.Slot.KeyName))
        {
            var lines = budget.ToList();
            if (!lines.TrueForAll(line => book.Fits(line.Limit, line.Wanted))) claims.Add(ClaimOf(book, budget.Key, lines));
        }
        return Task.WhenAll(claims);
    }

    private async Task ClaimOf(LedgerBook book, string? keyName, List<(BudgetLimit Limit, Amounts Wanted)> wanted)
    {
        var (number, lines) = book.BeginClaim(keyName, wanted);
        var grant = await claim(new BudgetClaim(tenantId, keyName, shard, book.Epoch, number, lines));
        if (grant.IsClosed)
        {
            if (_book == book) _book = null;
            return;
        }
        if (book.Apply(keyName, number, grant) && _book == book) Serve(book, _batch);
        if (!grant.IsExact) return;
        foreach (var (limit, _) in wanted)
        {
            if (grant.Held.FirstOrDefault(held => held.Period == limit.Slot.Period && held.Index == limit.Slot.Index) is { } held) _most[limit] = held.Amounts;
        }
    }

    private TurnCharge? TryReserve(LedgerBook book, Reservation reservation, DateTimeOffset now)
    {
        var day = TurnCharge.DayOf(now);
        var limits = LimitsOf(reservation, day);
        return book.TryBind(reservation.KeyName, limits) ? book.TryReserve(reservation, limits, day, now) : null;
    }

    /// <summary>The error of a turn that did not fit. Turns that fitted wait, and what they need is added to <paramref name="kept"/>.</summary>
    private Error? FindShortage(LedgerBook book, Reservation reservation, Dictionary<BudgetLimit, Amounts> kept)
    {
        var limits = LimitsOf(reservation, TurnCharge.DayOf(time.GetUtcNow()));
        foreach (var limit in limits)
        {
            if (_most.TryGetValue(limit, out var most) && !book.FitsInto(limit, most, kept.GetValueOrDefault(limit) + reservation.Amounts))
                return BudgetRules.Refusal(limit, reservation.Amounts);
        }
        foreach (var limit in limits) kept[limit] = kept.GetValueOrDefault(limit) + reservation.Amounts;
        return null;
    }

    private IReadOnlyList<BudgetLimit> LimitsOf(Reservation reservation, int day) => BudgetRules.LimitsOf(fleet, tenantId, reservation.KeyName, day);

    private void End<T>(Waiter waiter, Action<Waiter, T> complete, T result)
    {
        _waiting.Remove(waiter);
        complete(waiter, result);
    }

    private static ClusterException Busy() => new(ErrorCode.CallRejected, "The budget of this tenant could not be claimed. Retry.");

    private sealed class Waiter(Reservation reservation)
    {
        public Reservation Reservation => reservation;

        public TaskCompletionSource<ReservationResult> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Rounds { get; set; }
    }
}
