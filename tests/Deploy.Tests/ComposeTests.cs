using System.Globalization;

namespace CozeCluster.Deploy.Tests;

public sealed class ComposeTests
{
    private static readonly Yaml Services = Yaml.Document("deploy/compose.yaml")["services"];

    [Fact]
    public void There_are_two_silos_and_two_gateways_behind_a_load_balancer()
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
    public void Only_the_load_balancer_has_a_public_port() =>
        Assert.Equal("loadbalancer", Assert.Single(Services.Map, service => service.Value["ports"].Exists).Key);

    [Fact]
    public void Services_depend_on_services_that_exist_and_can_become_healthy() => Assert.All(
        Services.Map.Values.SelectMany(service => service["depends_on"].Map), dependency =>
        {
            var needsHealth = dependency.Value["condition"].Text == "service_healthy";
            Assert.True(Services[dependency.Key].Exists);
            Assert.True(!needsHealth || Services[dependency.Key]["healthcheck"].Exists, $"{dependency.Key} has no health check");
        });

    [Theory]
    [InlineData("silo")]
    [InlineData("gateway")]
    public void A_node_has_enough_time_to_drain(string role)
    {
        var service = Services[role];
        var environment = service["environment"];
        var draining = Files.Seconds(environment["COZECLUSTER_DRAIN_NOTICE"].Text) + Files.Seconds(environment["COZECLUSTER_DRAIN_TIME"].Text);

        Assert.True(Files.Seconds(service["stop_grace_period"].Text) > draining + 10);
        Assert.EndsWith("/health/ready", service["healthcheck"]["test"].Items[^1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Gateways_accept_turns_until_the_load_balancer_has_detected_that_they_stop()
    {
        var lines = Files.Read("deploy/loadbalancer.conf").Split('\n').Select(line => line.Trim().Split(' '));
        var check = lines.Single(words => words is ["default-server", "check", ..]);
        var interval = Files.Seconds(check[Array.IndexOf(check, "inter") + 1]);
        var failedChecks = int.Parse(check[Array.IndexOf(check, "fall") + 1], CultureInfo.InvariantCulture);

        Assert.True(Files.Seconds(Services["gateway"]["environment"]["COZECLUSTER_DRAIN_NOTICE"].Text) > interval * failedChecks);
    }

    /// <summary>The load balancer is stopped first. If it cut off replies, it would be useless that gateways wait for them.</summary>
    [Fact]
    public void The_load_balancer_waits_for_replies_as_long_as_the_gateways()
    {
        Assert.Equal("SIGUSR1", Services["loadbalancer"]["stop_signal"].Text);
        Assert.Equal(Services["gateway"]["stop_grace_period"].Text, Services["loadbalancer"]["stop_grace_period"].Text);
    }

    /// <summary>The image declares a volume at /data, so each container without a tmpfs there would leave a volume behind.</summary>
    [Theory]
    [InlineData("schema")]
    [InlineData("silo")]
    [InlineData("gateway")]
    public void Nodes_leave_no_volumes(string service) =>
        Assert.Contains("/data", Services[service]["tmpfs"].Items.Select(path => path.Text));

    [Fact]
    public void Secrets_come_from_a_file_that_git_does_not_track()
    {
        var example = Files.Assignments(Files.Read("deploy/.env.example"));
        string[] used =
            [.. Files.VariablesOf(Files.Read("deploy/compose.yaml")), .. Files.VariablesOf(Files.Read("deploy/fleet.yaml")), "COZECLUSTER_SECRETS_KEY"];

        Assert.Equal(used.Distinct().Order(StringComparer.Ordinal), example.Keys.Order(StringComparer.Ordinal));
        Assert.All(example.Where(pair => pair.Key != "LISTEN"), pair => Assert.Empty(pair.Value));
        Assert.Contains("deploy/.env\n", Files.Read(".gitignore"), StringComparison.Ordinal);
    }
}
