using System.Text;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Grains;

/// <summary>Reserves and settles the turns of one conversation, at the shard that this conversation always uses.</summary>
internal sealed partial class TurnLedger(string conversationKey, IGrainFactory grains, IFleetView fleet, ILogger logger)
{
    /// <summary>The shards of a tenant's ledger. All silos need the same number.</summary>
    public const int Shards = 4;

    /// <summary>How often a turn reserves before its row is stored. Each time, its epoch was closed in between.</summary>
    public const int MaxReservations = 5;

    /// <summary>The error of a turn that has reserved too often.</summary>
    public static ClusterException NotReserved() => new(ErrorCode.CallRejected, "The turn could not be reserved in its budget. Retry.");

    private readonly int _shard = (int)(Hash(conversationKey) % Shards);

    /// <summary>Reserves for a turn.</summary>
    /// <param name="rowId">The id of its row.</param>
    /// <param name="request">The request.</param>
    /// <param name="history">The tokens that the conversation already has.</param>
    /// <returns>Null if the turn is not charged.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.QuotaExceeded"/>: a budget is used up.</exception>
    public async Task<ReservedTurn?> Reserve(long rowId, TurnRequest request, long history)
    {
        if (!BudgetRules.IsCharged(fleet, request.TenantId, request.KeyName)) return null;
        var input = history + TurnEstimate.InputOf(request);
        var output = TurnEstimate.OutputOf(request, fleet.HasLanguageModel(request.TenantId, request.Model));
        return await Reserve(rowId, request.TenantId, request.KeyName, request.Model, input, output);
    }

    /// <summary>Reserves for a task, which has no output that is counted.</summary>
    /// <param name="rowId">The id of its row.</param>
    /// <param name="request">The request.</param>
    /// <returns>Null if the task is not charged.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.QuotaExceeded"/>: a budget is used up.</exception>
    public async Task<ReservedTurn?> Reserve(long rowId, ModelTaskRequest request) => BudgetRules.IsCharged(fleet, request.TenantId, request.KeyName)
        ? await Reserve(rowId, request.TenantId, request.KeyName, request.Model, TurnEstimate.OfBytes(request.Body.Length), output: 0)
        : null;

    /// <summary>Reserves again for a turn whose epoch was closed before its row was stored.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.QuotaExceeded"/>: a budget is used up.</exception>
    public Task<TurnCharge> ReserveAgain(TurnRow row, TurnCharge lost) =>
        Reserve(row.TenantId, new Reservation(row.Id, row.KeyName, lost.Amounts) { LostEpoch = lost.Epoch });

    /// <summary>
    /// What a turn is charged that has ended, at the price of its reservation. See <see cref="TurnCost.Settle"/>. A reservation that an earlier version has
    /// stored says no price; then that of the model counts.
    /// </summary>
    public TurnCharge ChargeOf(TurnRow row, ReservedTurn reserved, ReplyEvent end, IReadOnlyList<ReplyPart> reply, long received, Usage? usage) =>
        TurnCost.Settle(reserved.Charge, reserved.InputEstimate, end, reply, received, usage, reserved.Price ?? PriceOf(row.TenantId, row.Model));

    /// <summary>Releases what a turn does not use. Called when its row says so, or when it will never have a row.</summary>
    public async Task Settle(string tenantId, long rowId, TurnCharge? charge)
    {
        // A turn of unknown outcome keeps its reservation.
        if (charge is null or { State: ChargeState.Unknown }) return;
        try
        {
            await ShardOf(tenantId).Settle(rowId, charge.State == ChargeState.Settled ? charge.Amounts : default);
        }
        catch (ClusterException exception)
        {
            // The row is right, and the budget reads it when the epoch ends.
            LogNotSettled(logger, exception, rowId);
        }
    }

    private async Task<ReservedTurn> Reserve(long rowId, string tenantId, string? keyName, string model, long input, long output)
    {
        var price = PriceOf(tenantId, model);
        var reservation = new Reservation(rowId, keyName, TurnCost.Reserve(input, output, price));
        return new ReservedTurn(await Reserve(tenantId, reservation), input, price);
    }

    private async Task<TurnCharge> Reserve(string tenantId, Reservation reservation)
    {
        var result = await ShardOf(tenantId).Reserve(reservation);
        return result.Charge ?? throw (result.Refusal ?? TurnErrors.Unexpected).ToException();
    }

    private ILedgerShardGrain ShardOf(string tenantId) => grains.Grain<ILedgerShardGrain>(GrainKeys.LedgerShard(tenantId, _shard));

    private PriceDefinition? PriceOf(string tenantId, string model) => fleet.FindModel(tenantId, model)?.Price;

    // FNV-1a: the same in every process.
    private static uint Hash(string key)
    {
        var hash = 2166136261;
        foreach (var value in Encoding.ASCII.GetBytes(key)) hash = (hash ^ value) * 16777619;
        return hash;
    }

    [LoggerMessage(1120, LogLevel.Warning, "The turn with row {RowId} could not be settled at its shard; what it did not use is free when the epoch ends")]
    private static partial void LogNotSettled(ILogger logger, Exception exception, long rowId);
}

/// <summary>A reservation.</summary>
/// <param name="Charge">What was reserved.</param>
/// <param name="InputEstimate">The tokens that the prompt is expected to have.</param>
/// <param name="Price">The price of the model when it was reserved; null: it had none.</param>
internal sealed record ReservedTurn(TurnCharge Charge, long InputEstimate, PriceDefinition? Price);
