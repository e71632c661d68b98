namespace CozeCluster.Grains;

/// <summary>
/// What a task is charged. As for other turns, the row that says what is reserved is stored before the request is sent. If the node fails, the conversation
/// with the same key ends the turn: its outcome is unknown.
/// </summary>
/// <param name="key">The key of the grain.</param>
/// <param name="request">The request.</param>
/// <param name="log">What the log says of the task.</param>
/// <param name="rowId">The id of the row.</param>
/// <param name="ledger">Reserves.</param>
/// <param name="store">Stores the row.</param>
internal sealed class ModelTaskCharge(string key, ModelTaskRequest request, ModelTaskLog log, long rowId, TurnLedger ledger, IConversationStore store)
{
    private ReservedTurn? _reserved;

    /// <summary>Reserves, and stores the row; does nothing if the task is not charged.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.QuotaExceeded"/>: a budget is used up. Other codes: the storage failed.</exception>
    public async Task Reserve()
    {
        if (await ledger.Reserve(rowId, request) is not { } reserved) return;
        for (var attempt = 1; ; attempt++)
        {
            var row = log.Begin(reserved);
            try
            {
                await store.Commit(new ConversationCommit(key) { Turns = [new TurnChange(row, [])] });
                break;
            }
            catch (EpochClosedException) when (attempt < TurnLedger.MaxReservations)
            {
                reserved = reserved with { Charge = await ledger.ReserveAgain(row, reserved.Charge) };
            }
            catch (EpochClosedException)
            {
                throw TurnLedger.NotReserved();
            }
        }
        log.MarkStored();
        _reserved = reserved;
    }

    /// <summary>The row of a task that has ended, with what it is charged.</summary>
    public TurnRow End(ReplyEvent end, Usage? usage)
    {
        var row = log.End(end, usage);
        return _reserved is { } reserved ? row with { Charge = ledger.ChargeOf(row, reserved, end, [], received: 0, usage) } : row;
    }

    /// <summary>Releases what the task does not use, when its row is stored.</summary>
    public Task Settle(TurnRow row) => ledger.Settle(row.TenantId, row.Id, row.Charge);
}
