using System.Text.RegularExpressions;

namespace CozeCluster.Deploy.Tests;

public sealed partial class ImageTests
{
    private static readonly string Dockerfile = Files.Read("deploy/Dockerfile").Replace("\\\n", " ", StringComparison.Ordinal);

    [Fact]
    public void It_runs_the_program_that_is_built_as_nobody_in_particular()
    {
        Assert.Contains("dotnet publish src/Silo -c Release --os linux -a ${TARGETARCH} --no-self-contained -o /app", Dockerfile, StringComparison.Ordinal);
        Assert.Contains("<AssemblyName>CozeCluster.$(MSBuildProjectName)</AssemblyName>", Files.Read("Directory.Build.props"), StringComparison.Ordinal);
        Assert.Equal("""["dotnet", "/app/CozeCluster.Silo.dll"]""", Last("ENTRYPOINT"));
        Assert.Matches(@"^[1-9]\d*:[1-9]\d*$", Last("USER"));
        Assert.Equal("/data", Last("VOLUME"));
        Assert.Contains("COZECLUSTER_DATA=/data", Dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void It_asks_after_its_health_where_a_node_tells_it()
    {
        var probe = Probe().Match(Last("HEALTHCHECK"));

        Assert.Contains($"MapMethods(\"{probe.Groups["path"].Value}\"", Files.Read("src/Gateway/Health/HealthApi.cs"), StringComparison.Ordinal);
        Assert.Contains($"COZECLUSTER_URLS=http://0.0.0.0:{probe.Groups["port"].Value} ", Dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void All_files_speak_of_the_same_ports()
    {
        var ports = Last("EXPOSE").Split(' ').Order(StringComparer.Ordinal).ToList();
        var compose = Yaml.Document("deploy/compose.yaml");
        var settings = Manifests.Settings;
        string[] http = [.. Services(compose, "healthcheck"), settings["COZECLUSTER_URLS"].Text, .. Lines("deploy/loadbalancer.conf", "server-template")];

        Assert.Equal(["11111", "30000", "7077"], ports);
        Assert.All(http, address => Assert.Contains(":7077", address, StringComparison.Ordinal));
        foreach (var declared in new[] { compose["x-settings"], settings })
        {
            Assert.Equal("11111", declared["COZECLUSTER_SILO_PORT"].Text);
            Assert.Equal("30000", declared["COZECLUSTER_GATEWAY_PORT"].Text);
        }
        Assert.Equal(ports, PortsOf("silo"));
        Assert.Equal(["7077"], PortsOf("gateway"));
        Assert.All(
            Manifests.Of("NetworkPolicy"),
            policy => Assert.Equal(
                PortsOf(policy["metadata"]["name"].Text),
                policy["spec"]["ingress"].Items.SelectMany(rule => rule["ports"].Items).Select(port => port["port"].Text).Distinct().Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void Nothing_but_sources_gets_into_the_image()
    {
        var ignore = Files.Read(".dockerignore").Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();
        var copied = Lines(Dockerfile.Split('\n'), "COPY ").Where(line => !line.Contains("--from", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1]);

        Assert.Equal("*", ignore[0]);
        Assert.Equal(copied.Order(StringComparer.Ordinal), ignore.Where(line => line[0] == '!').Select(line => line[1..]).Order(StringComparer.Ordinal));
    }

    /// <summary>The documentation lists every setting; a test beside the settings sees to that.</summary>
    [Fact]
    public void Every_setting_that_is_named_exists()
    {
        var known = SettingName().Matches(Files.Read("docs/configuration.md")).Select(match => match.Value).ToHashSet();
        var named = Files.In("deploy", "*").SelectMany(path => SettingName().Matches(Files.Read(path)).Select(match => match.Value)).Distinct().ToList();

        Assert.Contains("COZECLUSTER_ROLE", named);
        Assert.All(named, name => Assert.Contains(name, known));
    }

    /// <summary>Every image is named without the host it comes from.</summary>
    [Fact]
    public void Images_have_plain_names()
    {
        var names = Lines(Dockerfile.Split('\n'), "ARG BASE=").Select(line => line["ARG BASE=".Length..])
            .Concat(Yaml.Document("deploy/compose.yaml")["services"].Map.Values.Select(service => service["image"].Text))
            .Concat(Manifests.All.SelectMany(manifest => manifest.All).Select(part => part["image"]).Where(image => image.Exists).Select(image => image.Text));

        Assert.All(names, name => Assert.Matches(@"^[a-z]+(:[\w.-]+)?$", name));
    }

    private static string Last(string instruction) => Lines(Dockerfile.Split('\n'), instruction + " ").Last()[(instruction.Length + 1)..].Trim();

    private static IEnumerable<string> Lines(string path, string head) => Lines(Files.Read(path).Split('\n'), head);

    private static IEnumerable<string> Lines(IEnumerable<string> lines, string head) => lines.Select(line => line.Trim()).Where(line => line.StartsWith(head, StringComparison.Ordinal));

    private static IEnumerable<string> Services(Yaml compose, string key) =>
        compose["services"].Map.Where(service => service.Key is "silo" or "gateway").Select(service => service.Value[key]["test"].Items[^1].Text);

    private static List<string> PortsOf(string role) =>
        [.. Manifests.Container(Manifests.Pod(role))["ports"].Items.Select(port => port["containerPort"].Text).Order(StringComparer.Ordinal)];

    [GeneratedRegex("COZECLUSTER_[A-Z_]+[A-Z]")]
    private static partial Regex SettingName();

    [GeneratedRegex(@"http://127\.0\.0\.1:(?<port>\d+)(?<path>/[\w/]+)""")]
    private static partial Regex Probe();
}
