using CozeCluster.EndToEnd.Tests.Cluster;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>Starts the cluster for the tests: two silos and a gateway. The class of this name in <c>EndToEnd.Tests</c> starts a single node.</summary>
internal static class Nodes
{
    /// <summary>Starts a cluster. Returns when its processes listen.</summary>
    /// <param name="folder">The folder for its files. A cluster that is started in the same folder uses the same data.</param>
    /// <param name="arguments">The command line of each process.</param>
    /// <param name="environment">Environment variables of each process, in addition to those of the tests.</param>
    public static async Task<INode> StartAsync(string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        await NodeCluster.StartAsync(folder, arguments, environment);
}
