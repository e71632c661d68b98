namespace CozeCluster.Deploy.Tests;

public sealed class FleetTests
{
    [Fact]
    public void Compose_and_Kubernetes_have_the_same_fleet() =>
        Assert.Equal(WithoutFirstLine("deploy/fleet.yaml"), WithoutFirstLine($"{Manifests.Folder}/fleet.yaml"));

    [Fact]
    public void The_example_secret_has_the_variables_of_the_fleet_without_values()
    {
        var secret = Manifests.One("Secret", "secrets")["stringData"];

        Assert.Subset(secret.Map.Keys.ToHashSet(), Files.VariablesOf(Files.Read($"{Manifests.Folder}/fleet.yaml")).ToHashSet());
        Assert.All(secret.Map.Values, value => Assert.Empty(value.Text));
    }

    private static string WithoutFirstLine(string path) => Files.Read(path).Split('\n', 2)[1];
}
