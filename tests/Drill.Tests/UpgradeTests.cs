namespace CozeCluster.Drill.Tests;

/// <summary>Under load, the nodes of a cluster are replaced one after another by nodes of another build; in both directions.</summary>
public sealed class UpgradeTests(ITestOutputHelper output)
{
    private static readonly string[] Rolling = ["--silos", "2", "--gateways", "2", "--rolling", "--drain", "5", "--ramp", "2"];
    private static readonly string[] Coze = [.. Rolling, "--streams", "20", "--seconds", "30", "--cancel", "2"];
    private static readonly string[] Discord = [.. Rolling, "--discord", "--streams", "6", "--seconds", "30"];

    [Theory(Skip = "This test needs PostgreSQL. Install the package postgresql.", SkipUnless = nameof(HasPostgres))]
    [InlineData("--from", false)]
    [InlineData("--to", false)]
    [InlineData("--from", true)]
    [InlineData("--to", true)]
    public async Task Replies_are_exact_while_nodes_of_two_builds_run_together(string direction, bool discord)
    {
        var folder = await NeighbourBuild.GetFolderAsync();
        var options = DrillOptions.Parse([.. discord ? Discord : Coze, direction, folder]);
        var report = await DrillRun.RunAsync(options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine($"{report}");

        Assert.Empty(report.Violations);
        Assert.Equal(4, report.Kills);
        Assert.Equal(options.Streams, report.Count(Outcome.Whole) + report.Count(Outcome.Cancelled));
    }

    public static bool HasPostgres => Directory.Exists("/usr/lib/postgresql");
}
