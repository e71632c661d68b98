namespace CozeCluster.Grains;

/// <summary>Which version of the fleet each process of the cluster uses.</summary>
internal sealed class FleetProcesses(TimeProvider time)
{
    private const int MaxProcesses = 1_000;
    private static readonly TimeSpan Forgotten = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, FleetProcess> _known = [];

    /// <summary>Records that a process has asked for changes.</summary>
    public void Confirm(string processId, long version)
    {
        if (_known.Count >= MaxProcesses && !_known.ContainsKey(processId)) _known.Remove(_known.Values.MinBy(process => process.ConfirmedAt)!.Id);
        _known[processId] = new FleetProcess(processId, version, time.GetUtcNow());
    }

    /// <summary>The processes that have asked within the last minute.</summary>
    public IReadOnlyList<FleetProcess> List()
    {
        var since = time.GetUtcNow() - Forgotten;
        foreach (var process in _known.Values.Where(process => process.ConfirmedAt < since).ToList()) _known.Remove(process.Id);
        return [.. _known.Values.OrderBy(process => process.Id, StringComparer.Ordinal)];
    }
}
