namespace CozeCluster.EndToEnd.Tests;

/// <summary>Starts what the tests run against: a single node. The tests of clusters have another one of that name.</summary>
internal static class Nodes
{
    /// <summary>Starts a node, and returns once it listens.</summary>
    /// <param name="folder">Where it runs and keeps its data; started there again, it continues with them.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <param name="environment">Variables it gets besides those of the tests.</param>
    public static async Task<INode> StartAsync(string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null) =>
        await NodeProcess.StartAsync(folder, arguments, environment);
}
