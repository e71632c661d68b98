using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;

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

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        FleetFile = _folder.Write("fleet.yaml", new TestFleet().AddIsolatedModel("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        Nodes = await NodeCluster.StartAsync(_folder.Path, ["--fleet", FleetFile, "--start-grace", "60s", "--drain-time", "1s"], gateways: 2);
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
