using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Two silos, two gateways and a fake Coze.</summary>
public sealed class RunningCluster : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private readonly List<HttpClient> _clients = [];
    private SandboxServer _sandbox = null!;

    internal NodeCluster Nodes { get; private set; } = null!;

    internal string FleetFile { get; private set; } = "";

    public FakeCoze Coze => _sandbox.Coze;

    public FakeOpenAi OpenAi => _sandbox.OpenAi;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        FleetFile = _folder.Write("fleet.yaml", CreateFleet(_sandbox.BaseUrl).ToString());
        Nodes = await NodeCluster.StartAsync(_folder.Path, ["--fleet", FleetFile, "--start-grace", "60s", "--drain-time", "1s"], gateways: 2);
    }

    private static TestFleet CreateFleet(Uri sandbox)
    {
        var openAi = new Uri(sandbox, "openai/v1");
        return new TestFleet().AddIsolatedModel("bot", new Uri(sandbox, "coze"))
            .AddOwnKeyModel("own", "openai", openAi, FakeOpenAi.Model).AddModel("own", "own")
            .AddOwnKeyModel("vectors", "openai", openAi, FakeOpenAi.EmbeddingModel, "task: embeddings").AddModel("vectors", "vectors");
    }

    /// <summary>A client of a gateway, as it runs now.</summary>
    internal HttpClient Http(int gateway = 0) => Client(Nodes.Gateways[gateway].BaseUrl);

    /// <summary>A client of a process.</summary>
    internal HttpClient Client(Uri url)
    {
        _clients.Add(HttpRequests.CreateClient(url));
        return _clients[^1];
    }

    internal ChatRequest NewRequest(string directives, int gateway = 0) => new(Http(gateway), Coze, "bot", directives);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (Nodes is not null) await Nodes.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }
}

/// <summary>The tests that share the cluster. They run one after another, and each restores the cluster.</summary>
[CollectionDefinition(nameof(SharedCluster))]
public sealed class SharedCluster : ICollectionFixture<RunningCluster>;
