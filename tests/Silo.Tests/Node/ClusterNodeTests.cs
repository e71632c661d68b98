using System.Net;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using CozeCluster.Silo.SandboxMode;
using CozeCluster.Silo.Tests.Cluster;
using CozeCluster.TestKit;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>Nodes of a cluster as separate processes.</summary>
public sealed class ClusterNodeTests(ClusterNodeTests.Database database) : IClassFixture<ClusterNodeTests.Database>, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("cluster-");
    private readonly HttpClient _http = new();
    private readonly string _name = $"c-{Guid.NewGuid():N}";
    private readonly int _siloPort = FreePorts.Next();
    private readonly int _clientPort = FreePorts.Next();

    public void Dispose()
    {
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Gateway_that_starts_before_the_silo_waits_for_it()
    {
        await using var gateway = Start("gateway");
        await gateway.Line("Waiting for a silo");
        await using var silo = Start("silo");
        await WaitUntilReady(await silo.Address());
        var address = await WaitUntilReady(await gateway.Address());

        Assert.Equal("hi there", await Chat(address));
        Assert.Superset(new HashSet<int> { _siloPort, _clientPort }, silo.ListeningPorts().ToHashSet());
        Assert.Equal([address.Port], gateway.ListeningPorts());
        Assert.Single(gateway.Output.Split('\n'), line => line.Contains("Waiting for a silo", StringComparison.Ordinal));

        gateway.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await gateway.ExitCode());
        silo.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await silo.ExitCode());
    }

    [Fact]
    public async Task Only_nodes_with_certificates_of_the_same_authority_connect()
    {
        using var authority = new TestAuthority("CN=cluster");
        using var stranger = new TestAuthority("CN=cluster");
        Write("silo.pem", authority, authority);
        Write("gateway.pem", authority, authority);
        Write("stranger.pem", stranger, authority);

        await using var silo = Start("silo", "--cluster-certificate", "silo.pem");
        await WaitUntilReady(await silo.Address());
        await using var gateway = Start("gateway", "--cluster-certificate", "gateway.pem");
        var port = FreePorts.Next();
        await using var strangeGateway = StartAt(port, "gateway", "--cluster-certificate", "stranger.pem");

        Assert.Equal("hi there", await Chat(await WaitUntilReady(await gateway.Address())));
        await strangeGateway.Line("Waiting for a silo");
        await silo.Line("Orleans.Connections.Security");
        using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{port}/health/ready"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
    }

    private NodeProcess Start(string role, params string[] more) => StartAt(0, role, more);

    private NodeProcess StartAt(int port, string role, params string[] more)
    {
        var variables = new Dictionary<string, string>
        {
            ["COZECLUSTER_POSTGRES"] = database.ConnectionString,
            ["COZECLUSTER_SECRETS_KEY"] = Convert.ToBase64String(new byte[32]),
        };
        string[] ports = ["--port", $"{port}", "--silo-port", $"{_siloPort}", "--client-port", $"{_clientPort}"];
        return NodeProcess.Start(_folder.FullName, variables, ["--role", role, "--sandbox", "--cluster-id", _name, .. ports, .. more]);
    }

    private void Write(string file, TestAuthority issuer, TestAuthority trusted)
    {
        using var certificate = issuer.Issue("CN=node");
        File.WriteAllText(
            Path.Combine(_folder.FullName, file),
            string.Join('\n', certificate.ExportCertificatePem(), Pem(certificate.GetECDsaPrivateKey()!), trusted.Root.ExportCertificatePem()));
    }

    private static string Pem(ECDsa key) => key.ExportPkcs8PrivateKeyPem();

    private async Task<Uri> WaitUntilReady(Uri address)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            using var answer = await _http.GetAsync(new Uri(address, "/health/ready"));
            if (answer.StatusCode == HttpStatusCode.OK) return address;
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(60), await answer.Content.ReadAsStringAsync());
            await Task.Delay(50);
        }
    }

    private async Task<string> Chat(Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/v1/chat/completions"))
        {
            Content = JsonContent.Create(new { model = "coze-sandbox", messages = new[] { new { role = "user", content = "Hello [[say=\"hi there\"]]" } } }),
        };
        request.Headers.Authorization = new("Bearer", SandboxKeys.Tenant);
        using var answer = await _http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, body);
        return JsonNode.Parse(body)!["choices"]![0]!["message"]!["content"]!.GetValue<string>();
    }

    /// <summary>A database with the tables of a cluster.</summary>
    public sealed class Database : IAsyncLifetime
    {
        private PrivatePostgres? _postgres;

        public string ConnectionString => _postgres!.ConnectionString;

        public async ValueTask InitializeAsync()
        {
            Assert.SkipUnless(PrivatePostgres.IsInstalled, "Needs PostgreSQL: install the package postgresql.");
            _postgres = await PrivatePostgres.StartAsync();
            await using var apply = NodeProcess.Start(Path.GetTempPath(), "schema", "apply", "--postgres", ConnectionString);
            Assert.Equal(0, await apply.ExitCode());
        }

        public ValueTask DisposeAsync() => _postgres?.DisposeAsync() ?? default;
    }
}
