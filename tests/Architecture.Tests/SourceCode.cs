using System.Text.RegularExpressions;

namespace CozeCluster.Architecture.Tests;

/// <summary>Checks of C# source code that need no compiler.</summary>
internal static partial class SourceCode
{
    /// <summary>Removes comments, which may mention what code must not use.</summary>
    public static string WithoutComments(string source) => Comments().Replace(source, "");

    /// <summary>Whether the code leaves its scheduler, in any of the ways that .NET has for this.</summary>
    public static bool LeavesScheduler(string source) => LeavingCalls().IsMatch(WithoutComments(source));

    [GeneratedRegex(@"(?<!:)//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comments();

    [GeneratedRegex(@"\.ConfigureAwait\s*\(|ConfigureAwaitOptions|\bTask\.Run\s*\(|TaskScheduler\.Default|ThreadPool\.|\bnew Thread\b")]
    private static partial Regex LeavingCalls();
}
