namespace CozeCluster;

/// <summary>
/// The epochs of ledger shards, and what the turns of an epoch use. A shard reserves in memory, under an epoch. The row of a turn with a charge is stored for
/// the first time only while the epoch of the charge is open. So when an epoch has been closed, the rows of its turns are all that was reserved in it, whatever
/// became of the shard and of its callers. Thread-safe.
/// </summary>
public interface ILedgerStore
{
    /// <summary>Closes the open epochs of a shard and opens another one, in one transaction.</summary>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="shard">The number of the shard.</param>
    /// <param name="next">The new epoch, which no shard has had before.</param>
    /// <exception cref="ClusterException">The storage failed. Whether the epochs were closed is unknown then.</exception>
    Task ReplaceEpoch(string tenantId, int shard, long next);

    /// <summary>
    /// Closes an epoch. When the task completes, no row can be stored any more with a charge of this epoch. An epoch that is closed already is not an error.
    /// </summary>
    /// <exception cref="ClusterException">The storage failed. Whether the epoch was closed is unknown then.</exception>
    Task CloseEpoch(long epoch);

    /// <summary>Whether an epoch is open.</summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    ValueTask<bool> IsOpen(long epoch, CancellationToken cancellationToken);

    /// <summary>Adds up the charges of the turns of an epoch, by day.</summary>
    /// <param name="epoch">The epoch.</param>
    /// <param name="keyName">Only turns of this API key; null: all.</param>
    /// <param name="unknownBefore">Turns of unknown outcome that ended before this time are charged nothing.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    /// <exception cref="ClusterException">The storage failed.</exception>
    ValueTask<IReadOnlyList<EpochUse>> ReadEpoch(long epoch, string? keyName, DateTimeOffset unknownBefore, CancellationToken cancellationToken);
}

/// <summary>What the turns of an epoch use on a day.</summary>
/// <param name="Day">See <see cref="TurnCharge.Day"/>.</param>
/// <param name="Settled">What turns are charged that have ended.</param>
/// <param name="Reserved">What is reserved for turns that have not ended.</param>
/// <param name="Unknown">What is reserved for turns of unknown outcome.</param>
/// <param name="Open">How many turns have not ended, or are of unknown outcome.</param>
public sealed record EpochUse(int Day, Amounts Settled, Amounts Reserved, Amounts Unknown, long Open)
{
    /// <summary>What they use together.</summary>
    public Amounts Total() => Settled + Reserved + Unknown;
}

/// <summary>
/// A commit was not written, because the epoch of a charge in it is closed: the turn has to reserve again. Only <see cref="IConversationStore.Commit"/> throws
/// it.
/// </summary>
public sealed class EpochClosedException() : Exception("The epoch in which the charge of a turn was reserved is closed.");
