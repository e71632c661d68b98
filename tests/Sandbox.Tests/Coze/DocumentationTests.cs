using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Sandbox.Tests.Coze;

public sealed partial class DocumentationTests
{
    [Fact]
    public void DirectiveTable_ListsExactlyTheKnownDirectives()
    {
        var page = File.ReadAllText(Path.Combine(Path.GetDirectoryName(GetSourcePath())!, "..", "..", "..", "docs", "sandbox.md"));
        var table = page[page.IndexOf("### Directives", StringComparison.Ordinal)..page.IndexOf("### Control endpoints", StringComparison.Ordinal)];

        var documented = FirstCell().Matches(table).Select(m => m.Groups[1].Value);

        Assert.Equal(ChatDirectives.Parser.Names.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    private static string GetSourcePath([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^\| `(\w+)", RegexOptions.Multiline)]
    private static partial Regex FirstCell();
}
