using System.Globalization;
using System.Security.Cryptography;

namespace CozeCluster.Drill;

/// <summary>Silos and gateways over a PostgreSQL of their own, with or without a load balancer in front.</summary>
internal sealed class ClusterStage : Stage
{
    // The state of silos that the others gave up, in the membership table.
    private const string Dead = "6";

    private readonly DrillOptions _options;
    private readonly Postgres _postgres = new();
    private readonly List<Node> _silos;
    private readonly List<Node> _gateways;
    private readonly LoadBalancer? _balancer;

    public ClusterStage(DrillOptions options) : base(options.Keep)
    {
        _options = options;
        var secret = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        _silos = [.. Enumerable.Range(1, options.Silos).Select(number => Make(
            $"silo-{number}", secret, "silo", "--silo-port", $"{Ports.Free()}", "--fleet", "fleet.yaml"))];
        _gateways = [.. Enumerable.Range(1, options.Gateways).Select(number => Make($"gateway-{number}", secret, "gateway"))];
        if (options.LoadBalancer) _balancer = new LoadBalancer(Folder, [.. _gateways.Select(gateway => gateway.Address)]);
    }

    public override IReadOnlyList<Node> Nodes => [.. _silos, .. _gateways];

    public override IReadOnlyList<Uri> Doors => _balancer is null ? [.. _gateways.Select(gateway => gateway.Address)] : [_balancer.Address];

    /// <summary>Two silos, then a gateway, and so on; all one after another if they are only stopped.</summary>
    public override Node Victim(int turn) => _options.Rolling ? Nodes[turn % Nodes.Count]
        : turn % 3 == 2 ? _gateways[turn / 3 % _gateways.Count]
        : _silos[(turn - turn / 3) % _silos.Count];

    /// <summary>Also those that the cluster gave up though nobody had ended them.</summary>
    public override async Task<IReadOnlyList<string>> TroublesAsync(CancellationToken cancellationToken)
    {
        var dead = int.Parse(await _postgres.AskAsync($"SELECT count(*) FROM OrleansMembershipTable WHERE Status = {Dead}", cancellationToken), CultureInfo.InvariantCulture);
        var ended = _silos.Sum(silo => silo.Ends);
        return [.. await base.TroublesAsync(cancellationToken), .. dead > ended ? [$"{dead - ended} silos were given up that nobody had ended"] : Array.Empty<string>()];
    }

    public override async ValueTask DisposeAsync()
    {
        if (_balancer is not null) await _balancer.DisposeAsync();
        foreach (var node in Nodes) await node.DisposeAsync();
        await _postgres.DisposeAsync();
        await base.DisposeAsync();
    }

    protected override async Task StartNodesAsync(CancellationToken cancellationToken)
    {
        await _postgres.StartAsync(Folder, cancellationToken);
        var schema = ServerProcess.Program(Node.Project, Folder, ["schema", "apply"]);
        schema.Environment["COZECLUSTER_POSTGRES"] = _postgres.ConnectionString;
        await ServerProcess.RunAsync(schema, cancellationToken);
        // The first one alone: a cluster begins with one.
        await _silos[0].StartAsync(cancellationToken);
        await Task.WhenAll(_silos.Skip(1).Concat(_gateways).Select(node => node.StartAsync(cancellationToken)));
        if (_balancer is not null) await _balancer.StartAsync(cancellationToken);
    }

    private Node Make(string name, string secret, string role, params IEnumerable<string> more)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        var clientPort = $"{Ports.Free()}";
        return new Node(
            name, Folder, address,
            ["--role", role, "--data", $"data-{name}", "--port", $"{address.Port}", "--drain-time", $"{_options.Drain.TotalSeconds}s", .. more],
            new Dictionary<string, string>
            {
                ["COZECLUSTER_POSTGRES"] = _postgres.ConnectionString,
                ["COZECLUSTER_SECRETS_KEY"] = secret,
                // Not on the command line: builds ignore variables that they do not know. Older builds know the client port as the gateway port.
                ["COZECLUSTER_DRAIN_NOTICE"] = $"{_options.Notice.TotalSeconds}s",
                ["COZECLUSTER_CLIENT_PORT"] = clientPort,
                ["COZECLUSTER_GATEWAY_PORT"] = clientPort,
            },
            _options.From, _options.To);
    }
}
