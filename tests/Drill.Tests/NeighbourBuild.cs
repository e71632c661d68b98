using System.ComponentModel;
using System.Diagnostics;
using CozeCluster.TestKit;

namespace CozeCluster.Drill.Tests;

/// <summary>A build of an older commit of this repository. Its nodes and nodes of this build must work together in one cluster.</summary>
internal static class NeighbourBuild
{
    /// <summary>The last release. Before the first release: the oldest commit whose messages and stored data this build must understand.</summary>
    private const string Commit = "823e0f90e5e3cbe790e117faae1793c80b175841";

    private static readonly string[] Sources = ["src", "Directory.Build.props", "Directory.Packages.props", "global.json", ".editorconfig"];

    private static readonly Lazy<Task<string>> Built = new(BuildAsync);

    /// <summary>The folder of the build. Makes the build first if necessary.</summary>
    /// <exception cref="Xunit.Sdk.SkipException">The history of the repository does not contain the commit.</exception>
    public static async Task<string> GetFolderAsync()
    {
        if (!await HasCommitAsync()) Assert.Skip($"This test needs commit {Commit[..7]} in the history of this repository. Run git fetch --unshallow.");
        return await Built.Value;
    }

    private static async Task<bool> HasCommitAsync()
    {
        try
        {
            await RunAsync("git", ["cat-file", "-e", $"{Commit}^{{commit}}"], SourceTree.Root);
            return true;
        }
        // The commit is missing, or git is not installed.
        catch (Exception fault) when (fault is ServerException or Win32Exception)
        {
            return false;
        }
    }

    private static async Task<string> BuildAsync()
    {
        // The build is kept for the next run, in a folder that git ignores. It has its own Directory.Build.props, so the settings of this tree do not apply.
        var folder = Path.Combine(SourceTree.Root, "tests", "Drill.Tests", "obj", $"neighbour-{Commit[..7]}");
        var output = Path.Combine(folder, "out");
        var done = Path.Combine(folder, "done");
        if (File.Exists(done)) return output;

        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        await RunAsync("git", ["archive", "--output", Path.Combine(folder, "source.tar"), Commit, .. Sources], SourceTree.Root);
        await RunAsync("tar", ["-xf", "source.tar"], folder);
        await RunAsync("dotnet", ["build", "src/Silo", "--output", output, "--nologo", "-v", "quiet", "-nodeReuse:false"], folder);
        await File.WriteAllTextAsync(done, "");
        return output;
    }

    private static Task RunAsync(string program, string[] args, string folder) =>
        ServerProcess.RunAsync(new ProcessStartInfo(program, args) { WorkingDirectory = folder }, TestContext.Current.CancellationToken);
}
