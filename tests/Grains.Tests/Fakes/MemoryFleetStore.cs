namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Stores the fleet in memory, for silos without storage. The silos of a cluster share it.</summary>
public sealed class MemoryFleetStore : IFleetStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(FleetRowKind Kind, string Id), FleetRow> _rows = [];
    private long _version;

    public ValueTask<IReadOnlyList<FleetRow>> Read(FleetRowKind afterKind, string afterId, int limit, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            return new([.. _rows.Values.OrderBy(row => row.Kind).ThenBy(row => row.Id, StringComparer.Ordinal)
                .Where(row => row.Kind > afterKind || (row.Kind == afterKind && string.CompareOrdinal(row.Id, afterId) > 0)).Take(limit)]);
        }
    }

    public ValueTask<long> ReadVersion(CancellationToken cancellationToken)
    {
        lock (_gate) return new(_version);
    }

    public Task Commit(long expectedVersion, long nextVersion, IReadOnlyList<FleetRow> rows)
    {
        lock (_gate)
        {
            if (_version != expectedVersion) return Task.FromException(new ClusterException(ErrorCode.StateConflict, "Another version is stored."));
            _version = nextVersion;
            foreach (var row in rows)
            {
                if (row.Payload is null) _rows.Remove((row.Kind, row.Id));
                else _rows[(row.Kind, row.Id)] = row;
            }
            return Task.CompletedTask;
        }
    }
}
