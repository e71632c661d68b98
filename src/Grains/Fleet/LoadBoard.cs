namespace CozeCluster.Grains;

/// <summary>Passes the loads of bots from silo to silo.</summary>
internal sealed class LoadBoard
{
    private const int MaxBots = 100_000;
    private const int MaxProcesses = 1_000;

    private readonly Dictionary<string, (BotLoad Load, string ProcessId, long Number)> _loads = [];
    private readonly Dictionary<string, long> _seen = [];
    private long _number;

    /// <summary>Records the loads that a process reports.</summary>
    /// <returns>The loads that other processes have reported since its last call.</returns>
    public IReadOnlyList<BotLoad> Exchange(string processId, IReadOnlyList<BotLoad> reported)
    {
        foreach (var load in reported) _loads[load.BotId] = (load, processId, ++_number);
        var seen = _seen.GetValueOrDefault(processId);
        List<BotLoad> others = [.. _loads.Values.Where(entry => entry.Number > seen && entry.ProcessId != processId).Select(entry => entry.Load)];
        // Loads are repeated, so those that are forgotten come again.
        if (_seen.Count >= MaxProcesses) _seen.Clear();
        if (_loads.Count > MaxBots) _loads.Clear();
        _seen[processId] = _number;
        return others;
    }
}
