using System.Diagnostics;
using System.Xml.Linq;
using CozeCluster.TestKit;

namespace CozeCluster.Architecture.Tests;

/// <summary>The files of this repository.</summary>
internal static class Repository
{
    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = SourceTree.Root;

    /// <summary>Every project of the repository.</summary>
    public static IReadOnlyList<ProjectFile> AllProjects { get; } =
        [.. TrackedFiles().Where(path => path.EndsWith(".csproj", StringComparison.Ordinal)).Select(ProjectFile.Load)];

    /// <summary>Every project under <c>src</c>.</summary>
    public static IReadOnlyList<ProjectFile> Rooms { get; } = [.. AllProjects.Where(project => project.Path.StartsWith("src/", StringComparison.Ordinal))];

    /// <summary>Every file that git tracks or would track, as a path relative to <see cref="Root"/> with forward slashes.</summary>
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

    /// <summary>The C# files under a folder.</summary>
    public static IEnumerable<string> CSharpFiles(string folder) =>
        TrackedFiles().Where(path => path.StartsWith(folder, StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal));

    /// <summary>The text of a file of the repository.</summary>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));
}

/// <summary>A project and its references.</summary>
/// <param name="Path">The path of the project file, relative to the root.</param>
/// <param name="Name">The name of the project file, without extension.</param>
/// <param name="Projects">The names of referenced projects.</param>
/// <param name="Packages">The names of referenced packages, except those that only the build uses.</param>
internal sealed record ProjectFile(string Path, string Name, IReadOnlyList<string> Projects, IReadOnlyList<string> Packages)
{
    public static ProjectFile Load(string path) => Parse(path, Repository.Read(path));

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
