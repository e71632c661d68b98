using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Reserves for the turns of a tenant in memory, from blocks that it has claimed of the tenant's budget and of those of its keys. A tenant has several shards;
/// a conversation always uses the same one. Key: see <see cref="GrainKeys.LedgerShard"/>.
/// </summary>
[Alias("ledger-shard")]
public interface ILedgerShardGrain : IGrainWithStringKey
{
    /// <summary>Reserves for a turn. A turn that has a reservation keeps it.</summary>
    [Alias("Reserve"), AlwaysInterleave, Idempotent]
    Task<ReservationResult> Reserve(Reservation reservation);

    /// <summary>
    /// Releases what a turn does not use. Called when the turn's row says so in the storage, or when the turn will never get a row. A turn that this activation
    /// does not know is ignored: its row says what it uses.
    /// </summary>
    [Alias("Settle"), AlwaysInterleave, Idempotent]
    Task Settle(long rowId, Amounts charged);

    /// <summary>Gives back what is not used of the blocks of a budget. A grant with a lower number that arrives later is void.</summary>
    /// <returns>Null if this activation reserves under another epoch.</returns>
    [Alias("Recall"), AlwaysInterleave, Idempotent]
    Task<RecallAnswer?> Recall(RecallRequest request);
}

/// <summary>A turn that asks for a reservation.</summary>
/// <param name="RowId">The id of its row.</param>
/// <param name="KeyName">The API key; null if it is not known.</param>
/// <param name="Amounts">What it may use.</param>
[GenerateSerializer, Immutable, Alias("reservation")]
public sealed record Reservation(long RowId, string? KeyName, Amounts Amounts)
{
    /// <summary>The epoch of an earlier reservation of the turn, which was closed before its row was stored; 0 without one.</summary>
    [Id(0)]
    public long LostEpoch { get; init; }
}

/// <summary>The answer to a reservation: exactly one of the two is set.</summary>
/// <param name="Charge">What the row of the turn has to contain.</param>
/// <param name="Refusal">Which budget is used up.</param>
[GenerateSerializer, Immutable, Alias("reservation-result")]
public sealed record ReservationResult(TurnCharge? Charge, Error? Refusal);

/// <summary>A budget asks a shard for what it does not use.</summary>
/// <param name="KeyName">The key whose budget it is; null: that of the tenant.</param>
/// <param name="Epoch">The epoch that got the blocks.</param>
/// <param name="Sequence">The number of this change of what the epoch holds.</param>
[GenerateSerializer, Immutable, Alias("recall-request")]
public sealed record RecallRequest(string? KeyName, long Epoch, long Sequence)
{
    /// <summary>The number of the last claim of the epoch that was answered; 0 if none was.</summary>
    [Id(100)]
    public long AnsweredClaim { get; init; }

    /// <summary>
    /// What the epoch held before this recall, including the last grant, which may arrive later. Turns that wait for that grant are served before the rest is
    /// given back. Null if no claim was answered.
    /// </summary>
    [Id(101)]
    public BudgetGrant? Granted { get; init; }
}

/// <summary>What a shard uses of a budget. It holds nothing else.</summary>
/// <param name="Used">By period. A period that is missing is not used.</param>
/// <param name="Oldest">When the oldest reservation was made that has not been settled; null if there is none.</param>
[GenerateSerializer, Immutable, Alias("recall-answer")]
public sealed record RecallAnswer(IReadOnlyList<PeriodAmounts> Used, DateTimeOffset? Oldest);
