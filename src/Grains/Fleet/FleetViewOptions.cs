namespace CozeCluster;

/// <summary>Options of the view that each process has of the fleet.</summary>
public sealed record FleetViewOptions
{
    /// <summary>
    /// How long a process uses its view while the catalog does not confirm it. After that, everything that needs the fleet is refused. Zero: at once. Default 5
    /// minutes.
    /// </summary>
    public TimeSpan StaleMax { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a process waits for an answer of the catalog, on the clock of the network. Default 5 s.</summary>
    internal TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(5);
}
