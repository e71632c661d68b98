using System.Text.RegularExpressions;

namespace CozeCluster.Architecture.Tests;

/// <summary>What can be told of C# without a compiler.</summary>
internal static partial class Code
{
    /// <summary>The text without comments: those may speak of what code may not.</summary>
    public static string Of(string source) => Comments().Replace(source, "");

    /// <summary>Whether the code asks, in any of the ways .NET has, to go on elsewhere than it was.</summary>
    public static bool LeavesScheduler(string source) => Leaving().IsMatch(Of(source));

    [GeneratedRegex(@"(?<!:)//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\.ConfigureAwait\s*\(|ConfigureAwaitOptions|\bTask\.Run\s*\(|TaskScheduler\.Default|ThreadPool\.|\bnew Thread\b")]
    private static partial Regex Leaving();
}
