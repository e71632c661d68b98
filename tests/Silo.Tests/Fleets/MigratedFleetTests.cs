using CozeCluster.Migration;
using CozeCluster.Silo.Fleets;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Fleets;

/// <summary>The node reads the fleet files that <c>migrate</c> writes from the documented configurations of the older systems.</summary>
public sealed class MigratedFleetTests
{
    public static TheoryData<string> Samples => ["cdp", "cdp-many", "ccp", "cdb", "rca", "aiproxy"];

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_migrated_fleet_is_valid(string name)
    {
        foreach (var options in new[] { new FleetTextOptions(), new FleetTextOptions { InlineSecrets = true }, new FleetTextOptions { MakeKeys = true } })
            Assert.Empty(Read(name, options).Problems);
    }

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_migrated_fleet_with_inline_secrets_is_the_same(string name)
    {
        var (first, second) = (Read(name, new FleetTextOptions()).File!, Read(name, new FleetTextOptions { InlineSecrets = true }).File!);

        Assert.Equal(first.Accounts.Select(account => (account.Token, account.Proxy)), second.Accounts.Select(account => (account.Token, account.Proxy)));
        Assert.Equal(
            first.Tenants.SelectMany(tenant => tenant.Keys).Select(key => (key.Name, key.Hash)),
            second.Tenants.SelectMany(tenant => tenant.Keys).Select(key => (key.Name, key.Hash)));
    }

    [Theory]
    [InlineData("cdp", true)]
    [InlineData("ccp", true)]
    [InlineData("rca", false)]
    public void Weak_keys_are_refused_from_other_machines(string name, bool hasWeakKeys)
    {
        var fleet = Migrator.Read(PathOf(name));

        Assert.NotEmpty(Read(fleet, new FleetTextOptions(), isReachable: true).Problems);
        Assert.Empty(Read(fleet, new FleetTextOptions { AllowWeakKeys = true }, isReachable: true).Problems);
        var warnings = Read(fleet, new FleetTextOptions()).File!.Warnings;
        Assert.Equal(hasWeakKeys, warnings.Any(warning => warning.Contains("easy to guess", StringComparison.Ordinal)));
    }

    /// <summary>The reader of the test would not see a fleet that is empty.</summary>
    [Fact]
    public void A_wrong_value_in_a_migrated_fleet_is_found()
    {
        var text = FleetText.Of(Migrator.Read(PathOf("cdp")));
        var yaml = text.Yaml.Replace("history: json", "history: all", StringComparison.Ordinal);

        var problems = new FleetReader(new EnvironmentValues(text.Variables.GetValueOrDefault)).Read(yaml, "/").Problems;

        Assert.Contains(problems, problem => problem.Path.EndsWith("options.history", StringComparison.Ordinal));
    }

    private static FleetResult Read(string name, FleetTextOptions options) => Read(Migrator.Read(PathOf(name)), options);

    private static FleetResult Read(OldFleet fleet, FleetTextOptions options, bool isReachable = false)
    {
        var text = FleetText.Of(fleet, options);
        var missing = text.MissingVariables.ToDictionary(variable => variable, _ => "set-by-the-operator");
        var values = new EnvironmentValues(variable => text.Variables.GetValueOrDefault(variable) ?? missing.GetValueOrDefault(variable));
        return new FleetReader(values, isReachable).Read(text.Yaml, "/");
    }

    private static string PathOf(string name) => Path.Combine(SourceTree.Root, "tests", "Migration.Tests", "Samples", name);
}
