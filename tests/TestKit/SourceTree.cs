namespace CozeCluster.TestKit;

/// <summary>The repository that the tests were built from.</summary>
public static class SourceTree
{
    private const string Solution = "CozeCluster.sln";

    /// <summary>The folder of the solution.</summary>
    /// <exception cref="InvalidOperationException">No folder above the tests contains the solution.</exception>
    public static string Root { get; } = FindRoot();

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, Solution))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} contains {Solution}.");
    }
}
