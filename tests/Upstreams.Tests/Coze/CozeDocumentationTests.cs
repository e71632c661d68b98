using System.Text.RegularExpressions;
using CozeCluster.Upstreams.Coze;

namespace CozeCluster.Upstreams.Tests.Coze;

/// <summary><c>docs/coze.md</c> says what the code does.</summary>
public sealed partial class CozeDocumentationTests
{
    [Fact]
    public void Errors_EveryCode_StandsInItsRow()
    {
        var documented = new Dictionary<long, string>();
        foreach (var row in Row().Matches(Document()).Select(match => match.Groups))
        {
            foreach (Match codes in Codes().Matches(row[1].Value))
            {
                var first = long.Parse(codes.Groups[1].Value);
                var last = codes.Groups[2].Success ? long.Parse(codes.Groups[2].Value) : first;
                for (var code = first; code <= last; code++) documented.Add(code, row[2].Value);
            }
        }

        Assert.Equal(
            CozeErrors.KnownCodes.Order().Select(code => (code, ErrorTable.Of(CozeErrors.Map(new CozeRefusal(code, null), null)).OpenAiCode)),
            documented.OrderBy(pair => pair.Key).Select(pair => (pair.Key, (string?)pair.Value)));
    }

    private static string Document()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "CozeCluster.sln"))) folder = folder.Parent;
        return File.ReadAllText(Path.Combine(folder.FullName, "docs", "coze.md"));
    }

    [GeneratedRegex(@"^\| (\d[^|]*) \| `(\w+)` \|$", RegexOptions.Multiline)]
    private static partial Regex Row();

    [GeneratedRegex(@"(\d+)(?:–(\d+))?")]
    private static partial Regex Codes();
}
