namespace CozeCluster.Deploy.Tests;

public sealed class FleetTests
{
    [Fact]
    public void Both_ways_begin_with_the_same_fleet() =>
        Assert.Equal(WithoutHead("deploy/fleet.yaml"), WithoutHead($"{Manifests.Folder}/fleet.yaml"));

    [Fact]
    public void The_secret_has_what_the_fleet_takes_and_holds_nothing()
    {
        var secret = Manifests.One("Secret", "secrets")["stringData"];

        Assert.Subset(secret.Map.Keys.ToHashSet(), Files.VariablesOf(Files.Read($"{Manifests.Folder}/fleet.yaml")).ToHashSet());
        Assert.All(secret.Map.Values, value => Assert.Empty(value.Text));
    }

    private static string WithoutHead(string path) => Files.Read(path).Split('\n', 2)[1];
}
