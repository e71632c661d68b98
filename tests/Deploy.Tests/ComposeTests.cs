using System.Globalization;

namespace CozeCluster.Deploy.Tests;

public sealed class ComposeTests
{
    private static readonly Yaml Services = Yaml.Document("deploy/compose.yaml")["services"];

    [Fact]
    public void It_has_two_silos_and_two_gateways_behind_a_load_balancer()
    {
        Assert.Equal(["gateway", "loadbalancer", "postgres", "schema", "silo"], Services.Map.Keys.Order(StringComparer.Ordinal));
        foreach (var role in new[] { "silo", "gateway" })
        {
            Assert.Equal(2, Services[role]["deploy"]["replicas"].Number);
            Assert.Equal(role, Services[role]["environment"]["COZECLUSTER_ROLE"].Text);
            Assert.Equal("service_completed_successfully", Services[role]["depends_on"]["schema"]["condition"].Text);
        }
        Assert.Equal(["schema", "apply"], Services["schema"]["command"].Items.Select(word => word.Text));
    }

    [Fact]
    public void Only_the_load_balancer_is_reached_from_outside() =>
        Assert.Equal("loadbalancer", Assert.Single(Services.Map, service => service.Value["ports"].Exists).Key);

    [Fact]
    public void Everything_waits_for_services_that_exist() => Assert.All(
        Services.Map.Values.SelectMany(service => service["depends_on"].Map), wanted =>
        {
            Assert.True(Services[wanted.Key].Exists);
            Assert.True(wanted.Value["condition"].Text != "service_healthy" || Services[wanted.Key]["healthcheck"].Exists, $"{wanted.Key} never tells its health");
        });

    [Theory]
    [InlineData("silo")]
    [InlineData("gateway")]
    public void A_node_is_given_the_time_that_draining_takes(string role)
    {
        var service = Services[role];
        var environment = service["environment"];
        var draining = Files.Seconds(environment["COZECLUSTER_DRAIN_NOTICE"].Text) + Files.Seconds(environment["COZECLUSTER_DRAIN_TIME"].Text);

        Assert.True(Files.Seconds(service["stop_grace_period"].Text) > draining + 10);
        Assert.EndsWith("/health/ready", service["healthcheck"]["test"].Items[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Gateways_take_turns_until_the_load_balancer_has_noticed()
    {
        var check = Files.Read("deploy/loadbalancer.conf").Split('\n').Select(line => line.Trim().Split(' ')).Single(words => words is ["default-server", "check", ..]);

        var notices = Files.Seconds(check[Array.IndexOf(check, "inter") + 1]) * int.Parse(check[Array.IndexOf(check, "fall") + 1], CultureInfo.InvariantCulture);
        Assert.True(Files.Seconds(Services["gateway"]["environment"]["COZECLUSTER_DRAIN_NOTICE"].Text) > notices);
    }

    /// <summary>It is stopped first: replies that it cut off would not need the gateways' patience.</summary>
    [Fact]
    public void The_load_balancer_lets_replies_end_as_long_as_gateways_do()
    {
        Assert.Equal("SIGUSR1", Services["loadbalancer"]["stop_signal"].Text);
        Assert.Equal(Services["gateway"]["stop_grace_period"].Text, Services["loadbalancer"]["stop_grace_period"].Text);
    }

    /// <summary>The image has a volume at /data, and whoever is made from it would leave one behind.</summary>
    [Theory]
    [InlineData("schema")]
    [InlineData("silo")]
    [InlineData("gateway")]
    public void Nodes_leave_no_volumes(string service) => Assert.Contains("/data", Services[service]["tmpfs"].Items.Select(path => path.Text));

    [Fact]
    public void Secrets_come_from_a_file_that_git_does_not_track()
    {
        var example = Files.Assignments(Files.Read("deploy/.env.example"));
        var taken = Files.VariablesOf(Files.Read("deploy/compose.yaml")).Concat(Files.VariablesOf(Files.Read("deploy/fleet.yaml"))).Append("COZECLUSTER_SECRETS_KEY");

        Assert.Equal(taken.Distinct().Order(StringComparer.Ordinal), example.Keys.Order(StringComparer.Ordinal));
        Assert.All(example.Where(pair => pair.Key != "LISTEN"), pair => Assert.Empty(pair.Value));
        Assert.Contains("deploy/.env\n", Files.Read(".gitignore"), StringComparison.Ordinal);
    }
}
