namespace CozeCluster.EndToEnd.Tests;

/// <summary>Starts the node for the tests: a single node. The class of this name in <c>EndToEnd.Cluster.Tests</c> starts a cluster.</summary>
internal static class Nodes
{
    /// <summary>Starts a node. Returns when it listens.</summary>
    /// <param name="folder">The folder for its data. A node that is started in the same folder uses the same data.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">Environment variables, in addition to those of the tests.</param>
    public static async Task<INode> StartAsync(string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        await NodeProcess.StartAsync(folder, arguments, environment);
}
