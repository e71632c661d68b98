using CozeCluster.TestKit;

namespace CozeCluster.Docs.Tests;

/// <summary>The files of the repository.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = SourceTree.Root;

    /// <summary>All files that git tracks or would track, as paths from the root with forward slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = ListFiles();

    /// <summary>The text of a file.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Whether there is such a file or folder.</summary>
    public static bool Has(string path) => Path.Exists(Path.Combine(Root, path));

    private static IReadOnlyList<string> ListFiles()
    {
        var (exitCode, output) = Programs.Run("git", "ls-files", "--cached", "--others", "--exclude-standard");
        Assert.True(exitCode == 0, output);
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(Has)];
    }
}
