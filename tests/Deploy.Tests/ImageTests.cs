using System.Text.RegularExpressions;

namespace CozeCluster.Deploy.Tests;

public sealed partial class ImageTests
{
    private static readonly string Dockerfile = Files.Read("deploy/Dockerfile").Replace("\\\n", " ", StringComparison.Ordinal);

    [Fact]
    public void The_image_runs_the_published_program_without_root_rights()
    {
        Assert.Contains("dotnet publish src/Silo -c Release --os linux -a ${TARGETARCH} --no-self-contained -o /app", Dockerfile, StringComparison.Ordinal);
        Assert.Contains("<AssemblyName>CozeCluster.$(MSBuildProjectName)</AssemblyName>", Files.Read("Directory.Build.props"), StringComparison.Ordinal);
        Assert.Equal("""["dotnet", "/app/CozeCluster.Silo.dll"]""", Last("ENTRYPOINT"));
        Assert.Matches(@"^[1-9]\d*:[1-9]\d*$", Last("USER"));
        Assert.Equal("/data", Last("VOLUME"));
        Assert.Contains("COZECLUSTER_DATA=/data", Dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void The_health_check_uses_a_path_that_a_node_serves()
    {
        var probe = Probe().Match(Last("HEALTHCHECK"));

        Assert.Contains($"MapMethods(\"{probe.Groups["path"].Value}\"", Files.Read("src/Gateway/Surfaces/Health/HealthApi.cs"), StringComparison.Ordinal);
        Assert.Equal("7077", probe.Groups["port"].Value);
        Assert.Contains("COZECLUSTER_URLS=http://0.0.0.0:{port} ", Dockerfile, StringComparison.Ordinal);
    }

    [Fact]
    public void All_files_use_the_same_ports()
    {
        var ports = Last("EXPOSE").Split(' ').Order(StringComparer.Ordinal).ToList();
        var compose = Yaml.Document("deploy/compose.yaml");
        var settings = Manifests.Settings;
        string[] httpAddresses =
            [.. Services(compose, "healthcheck"), settings["COZECLUSTER_URLS"].Text, .. Lines("deploy/loadbalancer.conf", "server-template")];

        Assert.Equal(["11111", "30000", "7077"], ports);
        Assert.All(httpAddresses, address => Assert.Contains(":7077", address, StringComparison.Ordinal));
        foreach (var declared in new[] { compose["x-settings"], settings })
        {
            Assert.Equal("11111", declared["COZECLUSTER_SILO_PORT"].Text);
            Assert.Equal("30000", declared["COZECLUSTER_CLIENT_PORT"].Text);
        }
        Assert.Equal(ports, PortsOf("silo"));
        Assert.Equal(["7077"], PortsOf("gateway"));
        foreach (var policy in Manifests.Of("NetworkPolicy"))
        {
            var allowed = policy["spec"]["ingress"].Items.SelectMany(rule => rule["ports"].Items).Select(port => port["port"].Text);
            Assert.Equal(PortsOf(policy["metadata"]["name"].Text), allowed.Distinct().Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public void Only_sources_are_sent_to_the_image_build()
    {
        var ignore = Files.Read(".dockerignore").Split('\n').Where(line => line.Length > 0 && line[0] != '#').ToList();
        var copied = Lines(Dockerfile.Split('\n'), "COPY ")
            .Where(line => !line.Contains("--from", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ')[1..^1]);

        Assert.Equal("*", ignore[0]);
        Assert.Equal(copied.Order(StringComparer.Ordinal), ignore.Where(line => line[0] == '!').Select(line => line[1..]).Order(StringComparer.Ordinal));
    }

    /// <summary>docs/configuration.md lists every setting; a test in Silo.Tests checks that.</summary>
    [Fact]
    public void Every_setting_that_deploy_uses_exists()
    {
        var known = SettingName().Matches(Files.Read("docs/configuration.md")).Select(match => match.Value).ToHashSet();
        var used = Files.In("deploy", "*").SelectMany(path => SettingName().Matches(Files.Read(path)).Select(match => match.Value)).Distinct().ToList();

        Assert.Contains("COZECLUSTER_ROLE", used);
        Assert.All(used, name => Assert.Contains(name, known));
    }

    [Fact]
    public void Image_names_contain_no_registry_host()
    {
        var names = Lines(Dockerfile.Split('\n'), "ARG BASE=").Select(line => line["ARG BASE=".Length..])
            .Concat(Yaml.Document("deploy/compose.yaml")["services"].Map.Values.Select(service => service["image"].Text))
            .Concat(Manifests.All.SelectMany(manifest => manifest.All).Select(part => part["image"]).Where(image => image.Exists).Select(image => image.Text));

        Assert.All(names, name => Assert.Matches(@"^[a-z]+(:[\w.-]+)?$", name));
    }

    private static string Last(string instruction) => Lines(Dockerfile.Split('\n'), instruction + " ").Last()[(instruction.Length + 1)..].Trim();

    private static IEnumerable<string> Lines(string path, string start) => Lines(Files.Read(path).Split('\n'), start);

    private static IEnumerable<string> Lines(IEnumerable<string> lines, string start) =>
        lines.Select(line => line.Trim()).Where(line => line.StartsWith(start, StringComparison.Ordinal));

    private static IEnumerable<string> Services(Yaml compose, string key) =>
        compose["services"].Map.Where(service => service.Key is "silo" or "gateway").Select(service => service.Value[key]["test"].Items[^1].Text);

    private static List<string> PortsOf(string role) =>
        [.. Manifests.Container(Manifests.Pod(role))["ports"].Items.Select(port => port["containerPort"].Text).Order(StringComparer.Ordinal)];

    [GeneratedRegex("COZECLUSTER_[A-Z_]+[A-Z]")]
    private static partial Regex SettingName();

    [GeneratedRegex(@"http://127\.0\.0\.1:\$\{PORT:-(?<port>\d+)\}(?<path>/[\w/]+)""")]
    private static partial Regex Probe();
}
