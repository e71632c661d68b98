using System.Net;
using CozeCluster.Grains;
using CozeCluster.Silo.Hosting;
using CozeCluster.Storage;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Silo.Tests.Hosting;

public sealed class NodeSettingsTests : IDisposable
{
    private static readonly Dictionary<string, string?> Key = new() { ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]) };

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void Read_OnlyAFleet_GivesTheDefaults()
    {
        var settings = Read(["--fleet", "fleet.yaml"]);

        Assert.Equal(Path.Combine(_folder.FullName, "fleet.yaml"), settings.Fleet);
        Assert.Equal(Path.Combine(_folder.FullName, "data") + Path.DirectorySeparatorChar, settings.Data + Path.DirectorySeparatorChar);
        Assert.Equal("http://127.0.0.1:7077", Assert.Single(settings.Endpoints).Url);
        Assert.Equal((0, 20, 5), (settings.DrainNotice.TotalSeconds, settings.DrainTime.TotalSeconds, settings.FleetPoll.TotalSeconds));
        Assert.Equal((2, 3), (settings.StartGrace.TotalSeconds, settings.KeepAlive.TotalSeconds));
        Assert.Equal((LogFormat.Simple, LogLevel.Information, Durability.Machine), (settings.Log, settings.LogLevel, settings.Durability));
        Assert.Equal((32L << 20, true, true, 0), (settings.MaxBodyBytes, settings.Swagger, settings.Dashboard, settings.CorsOrigins.Count));
        Assert.Equal(new ConversationOptions(), settings.Conversations);
    }

    [Fact]
    public void Read_LimitsOfConversations_AreTheirs()
    {
        var settings = Read([
            "--fleet", "fleet.yaml", "--keep-conversations", "7d", "--keep-turns", "2h", "--max-stored-turns", "10", "--max-queued-turns", "0",
            "--max-attempts", "1", "--subscriber-grace", "1m", "--durable-turns", "false"]);

        Assert.Equal(
            new ConversationOptions
            {
                NamedRetention = TimeSpan.FromDays(7), UnnamedRetention = TimeSpan.FromHours(2), MaxStoredTurns = 10, MaxQueuedTurns = 0, MaxAttempts = 1,
                SubscriberGrace = TimeSpan.FromMinutes(1), DurableTurns = false,
            },
            settings.Conversations);
    }

    [Fact]
    public void Read_ThreeSources_CommandLineWinsThenEnvironment()
    {
        WriteFile("""{ "CozeCluster": { "Fleet": "file.yaml", "KeepAlive": "3s", "StartGrace": "3s", "LogLevel": "Error" } }""");
        var variables = new Dictionary<string, string?> { ["COZECLUSTER_KEEP_ALIVE"] = "2s", ["COZECLUSTER_START_GRACE"] = "1s", ["PORT"] = "8080" };

        var settings = Read(["--start-grace", "500ms"], variables);

        Assert.EndsWith("file.yaml", settings.Fleet, StringComparison.Ordinal);
        Assert.Equal((500, 2000, LogLevel.Error), (settings.StartGrace.TotalMilliseconds, settings.KeepAlive.TotalMilliseconds, settings.LogLevel));
        Assert.Equal(8080, settings.Endpoints[0].Port);
    }

    [Theory]
    [InlineData(null, 7077)]
    [InlineData("8080", 8080)]
    public void Read_PortInUrls_IsThatOfTheEnvironment(string? port, int expected)
    {
        var variables = new Dictionary<string, string?> { ["COZECLUSTER_URLS"] = "http://0.0.0.0:{port}", ["PORT"] = port, ["COZECLUSTER_FLEET"] = "f.yaml" };

        Assert.Equal(expected, Assert.Single(Read([], variables).Endpoints).Port);
    }

    [Fact]
    public void Read_ManyMistakes_ReportsAll()
    {
        WriteFile("""{ "CozeCluster": { "KeepAlive": "long", "DrianTime": "1s" } }""");
        var variables = new Dictionary<string, string?>
        {
            ["PORT"] = "http",
            ["COZECLUSTER_LOG"] = "xml",
            ["COZECLUSTER_SWAGGER"] = "perhaps",
            ["COZECLUSTER_CORS_ORIGINS"] = "https://a.example,b.example/x",
        };

        var error = Assert.Throws<StartException>(() => Read(["--max-body-bytes", "12", "--certificate", "none.pem"], variables));

        Assert.Equal(
            [
                "appsettings.json: CozeCluster:DrianTime: this is not a setting. Did you mean 'DrainTime'?",
                "PORT: expected a whole number from 0 to 65535, found 'http'.",
                "--certificate: the file 'none.pem' does not exist.",
                "--max-body-bytes: expected a whole number from 1024 to 1073741824, found '12'.",
                "appsettings.json: CozeCluster:KeepAlive: expected a duration such as 500ms, 10s, 1m30s, 2h or 7d, found 'long'.",
                "COZECLUSTER_CORS_ORIGINS: expected origins such as https://chat.example.com, found 'b.example/x'.",
                "COZECLUSTER_SWAGGER: expected true or false, found 'perhaps'.",
                "COZECLUSTER_LOG: expected simple or json, found 'xml'.",
            ],
            error.Lines);
    }

    [Fact]
    public void Read_MisspelledVariable_AddsAWarning()
    {
        var variables = new Dictionary<string, string?>
        {
            ["COZECLUSTER_DRIAN_TIME"] = "1m",
            ["COZECLUSTER_SERVICE_HOST"] = "10.0.0.1",
            ["COZECLUSTER_PORT"] = "tcp://10.0.0.1:80",
            ["COZECLUSTER_MY_OWN_TOKEN"] = "x",
            ["COZECLUSTER_SECRETS_KEY"] = "x",
            ["COZECLUSTER_DATA"] = "data",
        };

        Assert.Equal(
            ["The environment variable COZECLUSTER_DRIAN_TIME is not a setting and is ignored. Did you mean 'COZECLUSTER_DRAIN_TIME'?"],
            Read(["--sandbox"], variables).Warnings);
    }

    [Fact]
    public void Read_FileThatIsNotJson_IsReported()
    {
        WriteFile("{ nonsense");

        Assert.StartsWith("appsettings.json cannot be read: ", Assert.Throws<StartException>(() => Read(["--sandbox"])).Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Read_Sandbox_HasItsOwnFolderAndNoFleetFile()
    {
        var settings = Read(["--sandbox"], new() { ["COZECLUSTER_FLEET"] = "fleet.yaml" });

        Assert.Equal(Path.Combine(_folder.FullName, "data", "sandbox"), settings.Data);
        Assert.Null(settings.Fleet);
    }

    [Theory]
    [InlineData("http://0.0.0.0:7077")]
    [InlineData("http://*:7077")]
    [InlineData("http://127.0.0.1:7077;http://192.0.2.1:7077")]
    [InlineData("http://[::]:7077")]
    public void Read_SandboxBeyondLoopback_IsRefused(string urls) =>
        Assert.Contains("loopback only", Assert.Throws<StartException>(() => Read(["--sandbox", "--urls", urls])).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("http://127.0.0.1:7077")]
    [InlineData("http://localhost:0")]
    [InlineData("http://[::1]:7077;http://127.0.0.2:7078")]
    public void Read_SandboxOnLoopback_IsAllowed(string urls) =>
        Assert.All(Read(["--sandbox", "--urls", urls]).Endpoints, endpoint => Assert.True(endpoint.IsLoopback));

    [Theory]
    [InlineData("--sandbox", "--fleet", "f.yaml")]
    [InlineData("--sandbox", "--urls", "http://127.0.0.1:1", "--port", "2")]
    [InlineData("--sandbox", "--urls", "https://127.0.0.1:7443")]
    [InlineData("--sandbox", "--urls", ";")]
    [InlineData("--sandbox", "--certificate-key", "key.pem")]
    public void Read_ContradictingOrMissingSettings_AreRefused(params string[] args) => Assert.Throws<StartException>(() => Read(args));

    [Fact]
    public void Read_NoClusterSetting_IsASingleNode()
    {
        var settings = Read(["--sandbox"]);

        Assert.Null(settings.Cluster);
        Assert.True(settings.HostsGrains);
        Assert.True(settings.ServesClients);
    }

    [Fact]
    public void Read_Silo_HasTheDefaults()
    {
        var settings = Read(["--role", "silo", "--fleet", "fleet.yaml", "--postgres", "Host=db"], Key);

        var cluster = settings.Cluster!;
        Assert.Equal((NodeRole.Silo, "Host=db", "cozecluster"), (cluster.Role, cluster.Postgres, cluster.ClusterId));
        Assert.Equal((11111, 30000), (cluster.SiloPort, cluster.ClientPort));
        Assert.Equal(IPAddress.Loopback, cluster.AdvertisedAddress);
        Assert.Equal((true, false), (settings.HostsGrains, settings.ServesClients));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Read_Durability_HasTheSameDefaultAloneAndInACluster(bool cluster)
    {
        string[] where = cluster ? ["--role", "gateway", "--postgres", "Host=db"] : ["--sandbox"];

        Assert.Equal(Durability.Machine, Read(where).Durability);
        Assert.Equal(Durability.Process, Read([.. where, "--durability", "Process"]).Durability);
    }

    [Fact]
    public void Read_Gateway_NeedsNeitherFleetNorKey()
    {
        var settings = Read(["--role", "gateway"], new() { ["COZECLUSTER_POSTGRES"] = "Host=db;Password=secret" });

        Assert.Equal((false, true), (settings.HostsGrains, settings.ServesClients));
        Assert.DoesNotContain("secret", $"{settings} {settings.Cluster}", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:7077", null, true)]
    [InlineData("http://*:7077", "127.0.0.1", true)]
    [InlineData("http://127.0.0.1:7077", "192.0.2.7", false)]
    public void Read_AdvertisedAddress_IsLoopbackIfTheNodeListensOnlyThere(string urls, string? advertised, bool loopback)
    {
        string[] more = advertised is null ? [] : ["--advertised-address", advertised];

        var settings = Read(["--role", "gateway", "--postgres", "Host=db", "--urls", urls, .. more]);

        Assert.Equal(loopback, IPAddress.IsLoopback(settings.Cluster!.AdvertisedAddress));
    }

    [Fact]
    public void Read_InvalidClusterSettings_ReportsAll()
    {
        var error = Assert.Throws<StartException>(
            () => Read(["--fleet", "f.yaml", "--postgres", "none", "--silo-port", "0", "--cluster-id", "a b", "--cluster-certificate", "none.pfx"]));

        Assert.Equal(
            ["COZECLUSTER_SECRETS_KEY:", "--postgres:", "--cluster-id:", "--silo-port:", "--cluster-certificate:"],
            error.Lines.Select(line => line.Split(' ')[0]));
    }

    [Theory]
    [InlineData("--role", "silo")]
    [InlineData("--role", "all")]
    [InlineData("--cluster-id", "mine")]
    [InlineData("--silo-port", "11112")]
    [InlineData("--client-port", "30001")]
    [InlineData("--cluster-certificate", "node.pem")]
    public void Read_ClusterSettingWithoutDatabase_IsRefused(string option, string value)
    {
        var error = Assert.Throws<StartException>(() => Read(["--sandbox", option, value]));

        Assert.Equal([$"{option}: this setting is for nodes of a cluster; set 'postgres' (COZECLUSTER_POSTGRES) to its database too."], error.Lines);
    }

    [Theory]
    [InlineData("""{ "CozeCluster": { "CorsOrigins": ["https://a.example"] } }""", "CozeCluster:CorsOrigins: expected a single value")]
    [InlineData("""{ "CozeCluster": { "DrainTime": { "Seconds": 5 } } }""", "CozeCluster:DrainTime: expected a single value")]
    [InlineData("""{ "CozeCluster": "fleet.yaml" }""", "CozeCluster: expected an object with settings")]
    public void Read_FileWithAnotherStructure_IsRefused(string json, string expected)
    {
        WriteFile(json);

        Assert.Contains(expected, Assert.Throws<StartException>(() => Read(["--fleet", "fleet.yaml"])).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sandbox mode only works on loopback", "--sandbox", "--postgres", "Host=db", "--advertised-address", "192.0.2.7")]
    [InlineData("expected all, silo or gateway", "--role", "server", "--sandbox", "--postgres", "Host=db")]
    public void Read_ContradictingClusterSettings_AreRefused(string expected, params string[] args) =>
        Assert.Contains(expected, Assert.Throws<StartException>(() => Read(args, Key)).Message, StringComparison.Ordinal);

    private void WriteFile(string json) => File.WriteAllText(Path.Combine(_folder.FullName, "appsettings.json"), json);

    private NodeSettings Read(string[] args, Dictionary<string, string?>? variables = null) =>
        NodeSettings.Read(new SettingSource(CommandLine.Parse(args).Values, variables ?? [], _folder.FullName), _folder.FullName);
}
