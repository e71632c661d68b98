using CozeCluster.EndToEnd.Tests.Cluster;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>Starts what the tests run against: two silos and a gateway without a silo. The tests of a single node have another one of that name.</summary>
internal static class Nodes
{
    /// <summary>Starts a cluster, and returns once its processes listen.</summary>
    /// <param name="folder">Where it runs, and what it is named after; started there again, it continues with its data.</param>
    /// <param name="arguments">Of the command line of each process.</param>
    /// <param name="environment">Variables each gets besides those of the tests.</param>
    public static async Task<INode> StartAsync(string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        await NodeCluster.StartAsync(folder, arguments, environment);
}
