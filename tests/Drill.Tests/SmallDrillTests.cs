namespace CozeCluster.Drill.Tests;

/// <summary>Small drills.</summary>
public sealed class SmallDrillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Replies_are_exact_while_the_node_is_killed_and_connections_are_cut()
    {
        var options = DrillOptions.Parse(["--streams", "12", "--seconds", "3", "--ramp", "2", "--kills", "2", "--cuts", "--cancel", "2"]);
        var report = await DrillRun.RunAsync(options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine($"{report}");

        Assert.Empty(report.Violations);
        // On a busy machine, all replies may have ended before the second kill.
        Assert.InRange(report.Kills, 1, 2);
        Assert.True(report.Sum(client => client.Cuts + client.LostConnections) > 0);
        Assert.Equal(12, report.Count(Outcome.Whole) + report.Count(Outcome.Cancelled) + report.Count(Outcome.OutcomeUnknown));
    }

    [Fact]
    public async Task Each_turn_is_charged_what_the_policy_says_when_the_node_is_killed_and_the_budget_is_exact()
    {
        var options = DrillOptions.Parse(["--charges", "--streams", "12", "--seconds", "4", "--ramp", "2", "--kills", "2", "--cancel", "3"]);
        var report = await DrillRun.RunAsync(options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine($"{report}");

        Assert.Empty(report.Violations);
        Assert.InRange(report.Kills, 1, 2);
        var charges = report.Charges!;
        Assert.Equal(12, charges.Settled + charges.Unknown);
        Assert.Equal(report.Count(Outcome.OutcomeUnknown), charges.Unknown);
        Assert.Equal(options.Budget, charges.Used + charges.AcceptedAfterwards);
    }

    [Fact]
    public async Task Replies_on_Discord_are_exact_when_the_node_is_killed_and_all_channels_are_deleted()
    {
        var options = DrillOptions.Parse(["--discord", "--streams", "6", "--seconds", "4", "--ramp", "1", "--kills", "1"]);
        var report = await DrillRun.RunAsync(options, output.WriteLine, TestContext.Current.CancellationToken);
        output.WriteLine($"{report}");

        Assert.Empty(report.Violations);
        Assert.Equal(1, report.Kills);
        Assert.Equal(6, report.Count(Outcome.Whole) + report.Count(Outcome.OutcomeUnknown));
    }
}
