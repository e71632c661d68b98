namespace CozeCluster.EndToEnd.Tests;

/// <summary>What tests talk to: a node alone, or a cluster that serves clients as one.</summary>
internal interface INode : IAsyncDisposable
{
    /// <summary>Where clients are served.</summary>
    Uri BaseUrl { get; }

    /// <summary>Where all of its processes listen.</summary>
    IReadOnlyList<Uri> Urls { get; }

    /// <summary>What it printed so far.</summary>
    string Output { get; }

    /// <summary>Asks it to stop, as a service manager would: <c>kill -TERM</c>.</summary>
    /// <returns>Its exit code.</returns>
    Task<int> StopAsync(CancellationToken cancellationToken);
}

/// <summary>Starts what the tests are to run against.</summary>
internal static class Nodes
{
#if CLUSTER
    /// <summary>The variable that has all tests run against a cluster: its value is then <c>cluster</c>.</summary>
    private const string Variable = "COZECLUSTER_TESTS_ON";
#endif

    /// <summary>Starts a node, and returns once it listens.</summary>
    /// <param name="folder">Where it runs and keeps its data; started there again, it goes on with them.</param>
    /// <param name="arguments">Of the command line.</param>
    /// <param name="environment">Variables it gets besides those of the tests.</param>
    public static async Task<INode> StartAsync(string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
#if CLUSTER
        if (Environment.GetEnvironmentVariable(Variable) == "cluster") return await Cluster.NodeCluster.StartAsync(folder, arguments, environment);
#endif
        return await NodeProcess.StartAsync(folder, arguments, environment);
    }
}
