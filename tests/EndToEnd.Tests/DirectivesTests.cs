using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>The tests of this project use every directive of the sandbox.</summary>
public sealed partial class DirectivesTests
{
    [Fact]
    public void Every_directive_of_the_sandbox_is_tested()
    {
        var here = Path.GetDirectoryName(ThisFile())!;
        var documented = Directive().Matches(File.ReadAllText(Path.Combine(here, "..", "..", "docs", "sandbox.md"))
            .Split("### Directives")[1].Split("### Control endpoints")[0]).Select(match => match.Groups[1].Value).Distinct().ToList();
        var tests = string.Join('\n', Directory.EnumerateFiles(here, "*Tests.cs", SearchOption.AllDirectories).Select(File.ReadAllText));

        Assert.Contains("early_error", documented);
        Assert.DoesNotContain(documented, directive => !Regex.IsMatch(tests, $@"[""\s]{directive}[=\s""]"));
    }

    // The name of a directive in the documentation: formatted as code, in the first column of a table.
    [GeneratedRegex(@"(?<=^\|[^|]*)`([a-z_]+)(?:=[^`]*)?`(?=[^|]*\|)", RegexOptions.Multiline)]
    private static partial Regex Directive();

    private static string ThisFile([CallerFilePath] string path = "") => path;
}
