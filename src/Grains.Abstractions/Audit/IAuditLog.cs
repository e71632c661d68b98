using Orleans.Concurrency;

namespace CozeCluster;

/// <summary>
/// Stores what admin keys have done. Entries are added, and an outcome replaces <see cref="AuditEntry.UnknownOutcome"/> once; nothing else ever changes them.
/// They are deleted after <see cref="Lifetime"/>, or when there are more than <see cref="MaxEntries"/>: first those of tenant admins. Silos have it; gateways
/// ask a grain. Thread-safe.
/// </summary>
public interface IAuditLog
{
    /// <summary>How many entries are kept.</summary>
    const int MaxEntries = 1_000_000;

    /// <summary>How long an entry is kept.</summary>
    static TimeSpan Lifetime { get; } = TimeSpan.FromDays(365);

    /// <summary>Stores an entry. When the task completes, it survives the node. An entry that is stored already stays as it is.</summary>
    /// <exception cref="ClusterException">The storage failed. Whether the entry was stored is unknown then.</exception>
    Task Append(AuditEntry entry);

    /// <summary>Replaces the outcome of an entry that is <see cref="AuditEntry.UnknownOutcome"/>. Another outcome stays as it is.</summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    Task Complete(string id, string outcome);

    /// <summary>Searches the entries, the newest first.</summary>
    /// <exception cref="ClusterException">The storage failed.</exception>
    ValueTask<IReadOnlyList<AuditEntry>> Search(AuditQuery query, CancellationToken cancellationToken);
}

/// <summary>Gives gateways access to the <see cref="IAuditLog"/>, which only silos have. Key: <see cref="GrainKeys.AuditLog"/>.</summary>
[Alias("audit-log")]
public interface IAuditLogGrain : IGrainWithStringKey
{
    /// <summary>See <see cref="IAuditLog.Append"/>.</summary>
    [Alias("Append"), AlwaysInterleave, Idempotent]
    Task Append(AuditEntry entry);

    /// <summary>See <see cref="IAuditLog.Complete"/>.</summary>
    [Alias("Complete"), AlwaysInterleave, Idempotent]
    Task Complete(string id, string outcome);

    /// <summary>Searches the entries, the newest first. A limit outside of 1 to 1000 is replaced by the nearest of them.</summary>
    [Alias("Search"), AlwaysInterleave, Idempotent]
    Task<IReadOnlyList<AuditEntry>> Search(AuditQuery query);
}
