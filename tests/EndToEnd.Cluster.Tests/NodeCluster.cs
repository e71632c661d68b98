using System.Collections.Concurrent;
using CozeCluster.TestKit;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Silos and gateways, each a process of its own, over one database. Clients talk to the first gateway.</summary>
internal sealed class NodeCluster : INode
{
    // Started again in the same folder, silos have the same ports, as they have on machines of their own.
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

    /// <summary>Starts all nodes at once; returns when all of them listen.</summary>
    public static async Task<NodeCluster> StartAsync(
        string folder, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment = null, int silos = 2, int gateways = 1)
    {
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>()) { ["COZECLUSTER_POSTGRES"] = await Database.ConnectionStringAsync() };
        variables.TryAdd("COZECLUSTER_SECRETS_KEY", SecretsKey);
        var cluster = new NodeCluster(folder, arguments, variables, silos, gateways);
        try
        {
            await Task.WhenAll([.. Enumerable.Range(0, silos).Select(cluster.StartSiloAsync), .. Enumerable.Range(0, gateways).Select(cluster.StartGatewayAsync)]);
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
        return cluster;
    }

    /// <summary>Starts a silo in the place of one that is gone.</summary>
    public async Task StartSiloAsync(int number)
    {
        var ports = Ports.GetOrAdd($"{_folder}#{number}", _ => [FreePorts.Next(), FreePorts.Next()]);
        _silos[number] = await StartAsync($"silo-{number}", ["--role", "silo", "--silo-port", $"{ports[0]}", "--client-port", $"{ports[1]}"]);
    }

    /// <summary>Starts a gateway in the place of one that is gone.</summary>
    public async Task StartGatewayAsync(int number) => _gateways[number] = await StartAsync($"gateway-{number}", ["--role", "gateway"]);

    /// <summary>Stops gateways, then silos.</summary>
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

    private Task<NodeProcess> StartAsync(string name, string[] part) => NodeProcess.StartAsync(
        Directory.CreateDirectory(Path.Combine(_folder, name)).FullName,
        ["--cluster-id", Path.GetFileName(_folder), .. part, .. _arguments],
        _environment);
}
