using System.Diagnostics;
using System.Xml.Linq;

namespace CozeCluster.Architecture.Tests;

/// <summary>The repository as its tests find it on disk.</summary>
internal static class House
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Every project under <c>src</c>.</summary>
    public static IReadOnlyList<ProjectFile> Rooms { get; } = Projects("src");

    /// <summary>Every project of the repository, wherever it stands.</summary>
    public static IReadOnlyList<ProjectFile> AllProjects { get; } =
        [.. TrackedFiles().Where(path => path.EndsWith(".csproj", StringComparison.Ordinal)).Select(ProjectFile.Load)];

    /// <summary>Every file that git tracks or would track, as a path below <see cref="Root"/> with forward slashes.</summary>
    public static IReadOnlyList<string> TrackedFiles()
    {
        using var git = Process.Start(new ProcessStartInfo("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
        })!;
        var output = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        Assert.Equal(0, git.ExitCode);
        return [.. output.Split('\0', StringSplitOptions.RemoveEmptyEntries).Distinct().Where(path => File.Exists(Path.Combine(Root, path)))];
    }

    /// <summary>The text of a file of the repository.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static IReadOnlyList<ProjectFile> Projects(string folder) =>
        [.. TrackedFiles().Where(path => path.StartsWith(folder + "/", StringComparison.Ordinal) && path.EndsWith(".csproj", StringComparison.Ordinal)).Select(ProjectFile.Load)];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "CozeCluster.sln"))) folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException($"No CozeCluster.sln above {AppContext.BaseDirectory}");
    }
}

/// <summary>A project file, by name, with what it references.</summary>
/// <param name="Path">Below the root.</param>
/// <param name="Name">Without extension.</param>
/// <param name="Projects">Names of referenced projects.</param>
/// <param name="Packages">Names of referenced packages, those for the build alone left out.</param>
internal sealed record ProjectFile(string Path, string Name, IReadOnlyList<string> Projects, IReadOnlyList<string> Packages)
{
    public static ProjectFile Load(string path) => Parse(path, House.Read(path));

    public static ProjectFile Parse(string path, string text)
    {
        var xml = XDocument.Parse(text);
        return new ProjectFile(path, NameOf(path), [.. Includes(xml, "ProjectReference").Select(NameOf)], [.. Includes(xml, "PackageReference")]);
    }

    private static IEnumerable<string> Includes(XDocument xml, string element) => xml.Descendants(element)
        .Where(reference => (string?)reference.Attribute("PrivateAssets") != "all")
        .Select(reference => (string?)reference.Attribute("Include"))
        .OfType<string>();

    private static string NameOf(string path) => System.IO.Path.GetFileNameWithoutExtension(path.Replace('\\', '/'));
}
