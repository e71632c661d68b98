using System.Collections.Concurrent;
using CozeCluster.TestKit;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Silos and gateways, each in its own process, with one database. Clients use the first gateway.</summary>
internal sealed class NodeCluster : INode
{
    // A silo that is started again in the same folder has the same ports, as on a machine of its own.
    private static readonly ConcurrentDictionary<string, int[]> Ports = new();
    private static readonly string SecretsKey = Convert.ToBase64String(new byte[32]);

    private readonly string _folder;
    private readonly IReadOnlyList<string> _arguments;
    private readonly Dictionary<string, string> _environment;
    private readonly NodeProcess[] _silos;
    private readonly NodeProcess[] _gateways;

    private NodeCluster(string folder, IReadOnlyList<string> arguments, Dictionary<string, string> environment, int silos, int gateways)
    {
        (_folder, _arguments, _environment) = (folder, arguments, environment);
        _silos = new NodeProcess[silos];
        _gateways = new NodeProcess[gateways];
    }

    public IReadOnlyList<NodeProcess> Silos => _silos;

    public IReadOnlyList<NodeProcess> Gateways => _gateways;

    public Uri BaseUrl => _gateways[0].BaseUrl;

    public IReadOnlyList<Uri> Urls => [.. All.Select(node => node.BaseUrl)];

    public string Output => string.Join('\n', All.Select(node => node.Output));

    private IEnumerable<NodeProcess> All => _gateways.Concat(_silos).OfType<NodeProcess>();

    /// <summary>Starts all nodes concurrently. Returns when all of them listen and the gateways are ready.</summary>
    public static async Task<NodeCluster> StartAsync(
        string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, int silos = 2, int gateways = 1)
    {
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>())
        {
            ["COZECLUSTER_POSTGRES"] = await Database.GetConnectionStringAsync(),
        };
        variables.TryAdd("COZECLUSTER_SECRETS_KEY", SecretsKey);
        var cluster = new NodeCluster(folder, arguments, variables, silos, gateways);
        try
        {
            var starts = Enumerable.Range(0, silos).Select(cluster.StartSiloAsync).Concat(Enumerable.Range(0, gateways).Select(cluster.StartGatewayAsync));
            await Task.WhenAll(starts);
            // The gateways of a new cluster may listen before a silo has imported the fleet.
            foreach (var gateway in cluster._gateways) await gateway.WaitUntilReadyAsync();
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
        return cluster;
    }

    /// <summary>Starts a silo, or starts one again that has ended.</summary>
    public async Task StartSiloAsync(int number)
    {
        var ports = Ports.GetOrAdd($"{_folder}#{number}", _ => [FreePorts.Next(), FreePorts.Next()]);
        _silos[number] = await StartAsync($"silo-{number}", ["--role", "silo", "--silo-port", $"{ports[0]}", "--client-port", $"{ports[1]}"]);
    }

    /// <summary>Starts a gateway, or starts one again that has ended.</summary>
    public async Task StartGatewayAsync(int number) => _gateways[number] = await StartAsync($"gateway-{number}", ["--role", "gateway"]);

    /// <summary>Stops the gateways, then the silos.</summary>
    public async Task<int> StopAsync(CancellationToken cancellationToken)
    {
        var codes = new List<int>();
        foreach (var nodes in new[] { _gateways, _silos }) codes.AddRange(await Task.WhenAll(nodes.Select(node => node.StopAsync(cancellationToken))));
        return codes.Max();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in All) await node.DisposeAsync();
    }

    private Task<NodeProcess> StartAsync(string name, string[] role) => NodeProcess.StartAsync(
        Directory.CreateDirectory(Path.Combine(_folder, name)).FullName,
        ["--cluster-id", Path.GetFileName(_folder), .. role, .. _arguments],
        _environment);
}
