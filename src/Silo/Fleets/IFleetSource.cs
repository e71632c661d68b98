using CozeCluster.Silo.Hosting;

namespace CozeCluster.Silo.Fleets;

/// <summary>Where the fleet of a node is declared.</summary>
internal interface IFleetSource
{
    /// <summary>What messages call it.</summary>
    string Name { get; }

    /// <summary>The folder whose changes may be changes of the fleet; null: none.</summary>
    string? Folder { get; }

    /// <summary>Reads the fleet. What is wrong with it is in the result.</summary>
    FleetSnapshot Read();

    /// <summary>Whether nothing has changed since the snapshot.</summary>
    bool IsUnchangedSince(FleetSnapshot snapshot);

    /// <summary>A problem with its place, as operators can find it.</summary>
    string Describe(FleetProblem problem);
}

/// <summary>The source of the fleet of a node.</summary>
internal static class FleetSources
{
    /// <summary>The source that the settings name; null: none.</summary>
    public static IFleetSource? Of(NodeSettings settings) => settings switch
    {
        { FromEnv: { } environment } => new EnvironmentFleetSource(environment, [.. settings.Endpoints.Select(endpoint => endpoint.Port).Distinct()]),
        { Fleet: { } path } => new FleetFileSource(path, EnvironmentValues.Process, settings.IsReachable),
        _ => null,
    };

    /// <summary>Reads a fleet that must be valid.</summary>
    /// <exception cref="StartException">It is not valid; contains all problems.</exception>
    public static FleetSnapshot ReadValid(this IFleetSource source)
    {
        var snapshot = source.Read();
        return snapshot.Result.File is not null ? snapshot : throw new StartException([.. snapshot.Result.Problems.Select(source.Describe)]);
    }
}
