using Orleans.Concurrency;

namespace CozeCluster.Grains;

/// <summary>Writes and reads the audit log for gateways. Every silo has its own activations, up to one for each processor.</summary>
[GrainType("audit-log"), StatelessWorker]
public sealed class AuditLogGrain(IAuditLog log) : Grain, IAuditLogGrain
{
    // A page, and one row more that shows whether there is another page.
    private const int MaxLimit = 1_001;

    /// <inheritdoc />
    public Task Append(AuditEntry entry) => log.Append(entry);

    /// <inheritdoc />
    public Task Complete(string id, string outcome) => log.Complete(id, outcome);

    /// <inheritdoc />
    public async Task<IReadOnlyList<AuditEntry>> Search(AuditQuery query) =>
        await log.Search(query with { Limit = Math.Clamp(query.Limit, 1, MaxLimit) }, CancellationToken.None);
}
