namespace CozeCluster;

/// <summary>
/// The epochs of ledger shards, and what the turns of an epoch use. A shard reserves in memory, under an epoch. The row of a turn with a charge is stored for
/// the first time only while the epoch of the charge is open. So when an epoch has been closed, the rows of its turns are all that was reserved in it, whatever
/// became of the shard and of its callers. Thread-safe.
/// </summary>
public interface ILedgerStore
{
    /// <summary>
    /// Closes the open epochs of a shard and opens another one, in one transaction. When the task completes, no row can be stored any more with a charge of
    /// one of the closed epochs.
    /// </summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="shard">The number of the shard.</param>
    /// <param name="next">The new epoch, which no shard has had before; null: none.</param>
    /// <exception cref="ClusterException">The storage failed. Whether the epochs were closed is unknown then.</exception>
    Task ReplaceEpoch(string tenantId, int shard, long? next);

    /// <summary>Adds up the charges of the turns of an epoch, by key and day.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="unknownBefore">Turns of unknown outcome that ended before this time are charged nothing.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ClusterException">The storage failed.</exception>
    ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(long epoch, DateTimeOffset unknownBefore, CancellationToken cancellationToken);
}

/// <summary>What the turns of a key use in an epoch.</summary>
/// <param name="KeyName">The name of the key; null if it is not known.</param>
/// <param name="Day">See <see cref="TurnCharge.Day"/>.</param>
/// <param name="Amounts">What they are charged, and what is reserved for those that are open.</param>
/// <param name="Open">How many of them have not ended, or are of unknown outcome: what they use may still become less.</param>
public sealed record EpochUse(string? KeyName, int Day, Amounts Amounts, long Open);

/// <summary>
/// A commit was not written, because the epoch of a charge in it is closed: the turn has to reserve again. Only <see cref="IConversationStore.Commit"/> throws
/// it.
/// </summary>
public sealed class EpochClosedException() : Exception("The epoch in which the charge of a turn was reserved is closed.");
