using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using CozeCluster.Silo.Tests.Fleets;

namespace CozeCluster.Silo.Tests.Node;

/// <summary>HTTP requests to a node in sandbox mode.</summary>
public sealed partial class SandboxNodeTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("node-");
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Sandbox_EmptyFolder_AnswersRequestsAndStopsInOrder()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();
        Assert.Contains("1 tenant with 2 API keys", await node.Line("Applied the fleet"), StringComparison.Ordinal);
        using var swagger = await _http.GetAsync(new Uri(Url().Match(await node.Line("API docs")).Value));
        Assert.Equal(HttpStatusCode.OK, swagger.StatusCode);
        Assert.Contains("-H 'Authorization: Bearer sk-sandbox'", await node.Line("curl -N "), StringComparison.Ordinal);

        var whole = await Chat(address, "sk-sandbox", "Hello [[say=\"hi there\"]]", stream: false);
        Assert.Equal("hi there", JsonNode.Parse(await whole.Content.ReadAsStringAsync())!["choices"]![0]!["message"]!["content"]!.GetValue<string>());
        var streamed = await (await Chat(address, "sk-sandbox", "Hello", stream: true)).Content.ReadAsStringAsync();
        Assert.Contains("\"finish_reason\":\"stop\"", streamed, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", streamed, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, (await Chat(address, "sk-other", "Hello", stream: false)).StatusCode);

        Assert.True(File.Exists(Path.Combine(_folder.FullName, "data", "sandbox", "secrets.key")));
        if (OperatingSystem.IsWindows()) return;
        node.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, await node.ExitCode());
    }

    [Fact]
    public async Task Metrics_AfterATurn_CountItFromTheStartOfTheNode()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();
        using var reply = await Chat(address, "sk-sandbox", "Hello", stream: false);
        await reply.Content.ReadAsStringAsync();

        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/metrics"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk-sandbox-admin");
        using var response = await _http.SendAsync(request);
        var metrics = await response.Content.ReadAsStringAsync();

        Assert.Contains("cozecluster_requests_total{method=\"POST\",route=\"/v1/chat/completions\",status=\"200\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("cozecluster_turns_started_total{model=\"coze-sandbox\"} 1\n", metrics, StringComparison.Ordinal);
        Assert.Contains("cozecluster_health{kind=\"bot\",state=\"", metrics, StringComparison.Ordinal);
        Assert.All(metrics.Split('\n').Where(line => line is not ("" or ['#', ..])), line => Assert.StartsWith("cozecluster_", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Https_PemCertificate_AnswersOverHttp2()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=node", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(new DateTimeOffset(2025, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2095, 1, 1, 0, 0, 0, TimeSpan.Zero));
        File.WriteAllText(Path.Combine(_folder.FullName, "node.pem"), certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem());

        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--urls", "https://127.0.0.1:0", "--certificate", "node.pem");
        var address = await node.Address();
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, served, _, _) => served!.Thumbprint == certificate.Thumbprint,
        };
        using var http = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/health/ready"))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await http.SendAsync(request);

        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
    }

    [Fact]
    public async Task Sandbox_Image_IsFetchedFromThisMachine()
    {
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(await node.Address(), "/v1/images/generations"))
        {
            Content = JsonContent.Create(new { model = "coze-sandbox", prompt = "A cat [[image]]", response_format = "b64_json" }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk-sandbox");

        using var response = await _http.SendAsync(request);

        var image = JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]![0]!["b64_json"]!.GetValue<string>();
        Assert.Equal("PNG"u8.ToArray(), Convert.FromBase64String(image)[1..4]);
    }

    [Fact]
    public async Task Stop_WithARunningStream_RefusesNewTurnsAndCompletesTheStream()
    {
        if (OperatingSystem.IsWindows()) return;
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        var address = await node.Address();
        using var response = await Chat(address, "sk-sandbox", "Hello [[pace=100ms chunks=30]]", stream: true);
        using var stream = new StreamReader(await response.Content.ReadAsStreamAsync());
        await stream.ReadLineAsync();

        node.Signal(PosixSignal.SIGTERM);
        await node.Line("Stopping: ");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Chat(address, "sk-sandbox", "Hello", stream: false)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.GetAsync(new Uri(address, "/health/ready"))).StatusCode);

        Assert.Contains("data: [DONE]", await stream.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal(0, await node.ExitCode());
    }

    [Theory]
    [InlineData(PosixSignal.SIGTERM)]
    [InlineData(PosixSignal.SIGINT)]
    public async Task Stop_DuringTheStart_EndsInOrder(PosixSignal signal)
    {
        if (OperatingSystem.IsWindows()) return;
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0");
        await node.Line("The SQLite storage in ");

        node.Signal(signal);

        Assert.Equal(0, await node.ExitCode());
        Assert.DoesNotContain("Exception", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stop_SecondSignal_ExitsAtOnce()
    {
        if (OperatingSystem.IsWindows()) return;
        await using var node = NodeProcess.Start(_folder.FullName, "--sandbox", "--port", "0", "--drain-time", "1h");
        var address = await node.Address();
        using var response = await Chat(address, "sk-sandbox", "Hello [[pace=100ms chunks=10000]]", stream: true);

        node.Signal(PosixSignal.SIGINT);
        await node.Line("Stopping: ");
        node.Signal(PosixSignal.SIGINT);

        Assert.Equal(130, await node.ExitCode());
    }

    [Fact]
    public async Task Fleet_ChangedWhileRunning_IsApplied()
    {
        if (OperatingSystem.IsWindows()) return;
        var fleet = Path.Combine(_folder.FullName, "fleet.yaml");
        File.WriteAllText(fleet, SampleFleet.Text);
        var variables = new Dictionary<string, string> { ["SPARE_TOKEN"] = "pat_x" };
        await using var node = NodeProcess.Start(_folder.FullName, variables, "--fleet", "fleet.yaml", "--port", "0", "--fleet-poll", "1h");
        var address = await node.Address();
        Assert.Equal(["coze-helper"], await Models(address));

        File.WriteAllText(fleet, SampleFleet.With("id: coze-helper", "id: coze-other"));
        node.Signal(PosixSignal.SIGHUP);
        while (!(await Models(address)).SequenceEqual(["coze-other"])) await Task.Yield();

        File.WriteAllText(fleet, "nonsense");
        node.Signal(PosixSignal.SIGHUP);
        await node.Line("fleet.yaml:1:1: Expected the sections");
        Assert.Equal(["coze-other"], await Models(address));
    }

    private async Task<string[]> Models(Uri address)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(address, "/v1/models"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "key-of-acme");
        using var response = await _http.SendAsync(request);
        return [.. JsonNode.Parse(await response.Content.ReadAsStringAsync())!["data"]!.AsArray().Select(model => model!["id"]!.GetValue<string>())];
    }

    private async Task<HttpResponseMessage> Chat(Uri address, string key, string prompt, bool stream)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(address, "/v1/chat/completions"))
        {
            Content = JsonContent.Create(new { model = "coze-sandbox", stream, messages = new[] { new { role = "user", content = prompt } } }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    [GeneratedRegex(@"http://\S+/swagger")]
    private static partial Regex Url();
}
