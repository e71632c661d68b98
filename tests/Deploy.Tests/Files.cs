using System.Text.RegularExpressions;
using CozeCluster.TestKit;

namespace CozeCluster.Deploy.Tests;

/// <summary>Reads the files under <c>deploy/</c>, and the files of the repository that they must agree with.</summary>
internal static partial class Files
{
    private static readonly string Root = SourceTree.Root;

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The files in a folder and its subfolders, as paths from the root with forward slashes.</summary>
    public static IReadOnlyList<string> In(string folder, string pattern) =>
    [
        .. Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The names of the environment variables that a text uses: <c>${NAME}</c>, with or without a default.</summary>
    public static IReadOnlyList<string> VariablesOf(string text) => [.. Variable().Matches(text).Select(match => match.Groups[1].Value).Distinct()];

    /// <summary>The names and values in lines <c>NAME=value</c>.</summary>
    public static IReadOnlyDictionary<string, string> Assignments(string text) =>
        text.Split('\n')
            .Where(line => !line.StartsWith('#') && line.Contains('='))
            .Select(line => line.Split('=', 2))
            .ToDictionary(pair => pair[0], pair => pair[1]);

    /// <summary>The number of seconds in <c>80s</c>, <c>2m</c> or <c>20</c>.</summary>
    public static int Seconds(string duration) => duration switch
    {
        [.. var number, 'm'] => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) * 60,
        [.. var number, 's'] => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture),
        _ => int.Parse(duration, System.Globalization.CultureInfo.InvariantCulture),
    };

    [GeneratedRegex(@"\$\{(\w+)")]
    private static partial Regex Variable();
}
