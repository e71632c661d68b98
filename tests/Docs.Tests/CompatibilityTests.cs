using System.Text.RegularExpressions;

namespace CozeCluster.Docs.Tests;

/// <summary><c>compatibility.md</c> claims nothing that no test shows.</summary>
public sealed partial class CompatibilityTests
{
    private static readonly IReadOnlyList<Row> Rows = [.. ReadRows()];
    private static readonly HashSet<string> Tests = [.. FindTests()];
    private static readonly string[] Verdicts = ["same", "better", "differs", "not yet"];

    [Fact]
    public void Every_row_has_a_known_verdict()
    {
        var unknown = Rows.Where(row => !Verdicts.Contains(row.Verdict)).Select(row => row.What);

        Assert.Empty(unknown);
    }

    [Fact]
    public void Rows_that_are_same_or_better_name_a_test_that_exists()
    {
        var unproven = from row in Rows
                       where row.Verdict is "same" or "better" && !Tests.Contains(row.Reason.Trim('`'))
                       select $"{row.System}: {row.What}: {row.Reason}";

        Assert.Empty(unproven);
    }

    [Fact]
    public void Rows_that_differ_give_a_reason()
    {
        Assert.Empty(Rows.Where(row => row.Verdict == "differs" && row.Reason.Length < 10).Select(row => row.What));
    }

    /// <summary>Users of an older system see at a glance how much of it works here.</summary>
    [Theory]
    [InlineData("README.md", "docs/")]
    [InlineData("README.zh-CN.md", "docs/zh-CN/")]
    public void Readmes_count_the_rows_of_each_system(string path, string folder)
    {
        var expected = (from rows in Rows.GroupBy(row => row.System)
                        let counts = Verdicts.Select(verdict => rows.Count(row => row.Verdict == verdict))
                        select $"| [{rows.Key}]({folder}from-{rows.Key.ToLowerInvariant()}.md) | {string.Join(" | ", counts)} |").ToList();
        var actual = Document.Of(path).Lines.Where(line => line.StartsWith("| [", StringComparison.Ordinal) && line.Contains($"]({folder}from-"));

        Assert.True(expected.SequenceEqual(actual), $"The table in {path} has to be:\n{string.Join('\n', expected)}");
    }

    private static IEnumerable<Row> ReadRows()
    {
        var system = "";
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "docs", "compatibility.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal)) system = line[3..];
            if (!line.StartsWith("| ", StringComparison.Ordinal) || line.StartsWith("| what", StringComparison.Ordinal)) continue;
            var cells = line.Trim('|', ' ').Replace("\\|", "¦", StringComparison.Ordinal).Split('|').Select(cell => cell.Trim()).ToList();
            yield return new Row(system, cells[0], cells.ElementAtOrDefault(1) ?? "", cells.ElementAtOrDefault(2) ?? "");
        }
    }

    private static IEnumerable<string> FindTests() =>
        from folder in (string[])["tests", "src"]
        from file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.*", SearchOption.AllDirectories)
        where Path.GetExtension(file) is ".cs" or ".mjs"
        where !file.Contains("node_modules", StringComparison.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal)
        from Match match in TestName().Matches(File.ReadAllText(file))
        select match.Groups["cs"].Success ? match.Groups["cs"].Value : match.Groups["js"].Value;

    [GeneratedRegex("""public (?:async Task|void|Task) (?<cs>\w+)\(|(?:test|it)\(['"`](?<js>[^'"`]+)""")]
    private static partial Regex TestName();

    private sealed record Row(string System, string What, string Verdict, string Reason);
}
