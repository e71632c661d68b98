using CozeCluster.Silo.Fleets;
using CozeCluster.Storage;

namespace CozeCluster.Silo.Hosting;

/// <summary>The commands that do not run a node.</summary>
internal static class NodeCommands
{
    /// <summary>The command <c>check</c>: lists the problems of the fleet file, and with <c>--online</c> what its upstreams say.</summary>
    /// <returns><see cref="ExitCodes.Failure"/> if an upstream would refuse what the fleet sends to it.</returns>
    /// <exception cref="StartException">There is no fleet file, or it is not valid.</exception>
    public static async Task<int> CheckFleet(NodeSettings settings, bool isOnline, TextWriter output)
    {
        if (FleetSources.Of(settings) is not { } source)
            throw new StartException($"There is no fleet file to check. Name one with {Settings.Fleet.Option}, without {Settings.Sandbox.Option}.");
        var fleet = source.ReadValid().Result.File!;
        await output.WriteLineAsync($"{char.ToUpperInvariant(source.Name[0])}{source.Name[1..]} is valid: {FleetCounts.Of(fleet)}.");
        foreach (var warning in fleet.Warnings) await output.WriteLineAsync($"Warning: {warning}");
        return isOnline ? await OnlineCheck.Run(fleet, output) : ExitCodes.Success;
    }

    /// <summary>The command <c>schema apply</c>: creates or updates the tables of a cluster.</summary>
    /// <exception cref="StartException">No database is set.</exception>
    /// <exception cref="ClusterException">The database cannot be reached, or rejects the schema.</exception>
    public static async Task<int> ApplySchema(SettingSource source, TextWriter output)
    {
        var postgres = ClusterSettings.ReadPostgres(source);
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        await PostgresSchema.ApplyAsync(postgres);
        await output.WriteLineAsync("The schema is up to date.");
        return ExitCodes.Success;
    }

    /// <summary>The command <c>store accept</c>: lets the next start use the data folder as it is.</summary>
    /// <exception cref="ClusterException">The folder has no data of a node, or a node uses it.</exception>
    public static async Task<int> AcceptStore(SettingSource source, string folder, TextWriter output)
    {
        if (source.Problems.Count > 0) throw new StartException([.. source.Problems]);
        var data = Path.GetFullPath(source[Settings.Data].Text!, folder);
        DataFolder.Accept(data);
        await output.WriteLineAsync($"The next start uses the data folder '{data}' as it is.");
        return ExitCodes.Success;
    }
}
