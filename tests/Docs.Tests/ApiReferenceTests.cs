namespace CozeCluster.Docs.Tests;

/// <summary>The tables of <c>docs/openai-api.md</c> are complete. Its fields have a test beside the gateway's table of fields.</summary>
public sealed class ApiReferenceTests
{
    private static readonly string Page = Repository.Read("docs/openai-api.md");

    [Fact]
    public void Every_error_is_listed_with_its_status()
    {
        var rows = Page.Split("## Errors")[1].Split('\n').Where(line => line.StartsWith('|')).Select(line => line.Split('|')).ToList();

        Assert.All(ErrorTable.All.Where(row => row.OpenAiCode is not null), error =>
            Assert.Contains(rows, row => row[1].Contains($"{error.Status}") && row[2].Contains($"`{error.OpenAiCode}`")));
    }
}
