using System.Text.RegularExpressions;

namespace CozeCluster.Docs.Tests;

/// <summary><c>compatibility.md</c> claims nothing that no test shows.</summary>
public sealed partial class CompatibilityTests
{
    private static readonly IReadOnlyList<Row> Rows = [.. ReadRows()];
    private static readonly HashSet<string> Tests = [.. FindTests()];

    [Fact]
    public void Every_row_has_a_known_verdict()
    {
        var unknown = Rows.Where(row => row.Verdict is not ("same" or "better" or "differs" or "not yet")).Select(row => row.What);

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
