using System.Globalization;
using System.Security.Cryptography;
using CozeCluster.TestKit;

namespace CozeCluster.Drill;

/// <summary>A cluster of silos and gateways with its own PostgreSQL, with or without a load balancer.</summary>
internal sealed class ClusterStage : Stage
{
    // The status of evicted silos in the membership table.
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
            $"silo-{number}", secret, "silo", "--silo-port", $"{FreePorts.Next()}", "--fleet", "fleet.yaml"))];
        _gateways = [.. Enumerable.Range(1, options.Gateways).Select(number => Make($"gateway-{number}", secret, "gateway"))];
        if (options.LoadBalancer) _balancer = new LoadBalancer(Folder, [.. _gateways.Select(gateway => gateway.Address)]);
    }

    public override IReadOnlyList<Node> Nodes => [.. _silos, .. _gateways];

    public override IReadOnlyList<Uri> ClientAddresses => _balancer is null ? [.. _gateways.Select(gateway => gateway.Address)] : [_balancer.Address];

    /// <summary>For kills: two silos, then a gateway, and so on. For rolling restarts: all nodes, one after another.</summary>
    public override Node NodeToEnd(int number) => _options.Rolling ? Nodes[number % Nodes.Count]
        : number % 3 == 2 ? _gateways[number / 3 % _gateways.Count]
        : _silos[(number - number / 3) % _silos.Count];

    /// <summary>The problems include silos that the cluster evicted although nothing had ended them.</summary>
    public override async Task<IReadOnlyList<string>> GetNodeProblemsAsync(CancellationToken cancellationToken)
    {
        var rows = await _postgres.QueryAsync($"SELECT count(*) FROM OrleansMembershipTable WHERE Status = {Dead}", cancellationToken);
        var evicted = int.Parse(rows, CultureInfo.InvariantCulture) - _silos.Sum(silo => silo.Ends);
        var problems = await base.GetNodeProblemsAsync(cancellationToken);
        return evicted > 0 ? [.. problems, $"the cluster evicted {evicted} silos although nothing had ended them"] : problems;
    }

    public override async Task<IReadOnlyList<ChargedTurn>> ReadChargesAsync(CancellationToken cancellationToken)
    {
        var rows = await _postgres.QueryAsync(
            "SELECT TurnId, ChargeState, ChargedRequests, ChargedTokens, ChargedCredits, coalesce(floor(extract(epoch FROM EndedOn) * 1000), 0) " +
            "FROM CozeTurns WHERE ChargeState IS NOT NULL",
            cancellationToken);
        return [.. rows.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('|')).Select(row => new ChargedTurn(
            row[0], (int)Read(row[1]), new ChargedAmounts(Read(row[2]), Read(row[3]), Read(row[4])), Read(row[5])))];

        static long Read(string number) => long.Parse(number, CultureInfo.InvariantCulture);
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
        // The first silo forms the cluster; the others join it.
        await _silos[0].StartAsync(cancellationToken);
        await Task.WhenAll(_silos.Skip(1).Concat(_gateways).Select(node => node.StartAsync(cancellationToken)));
        if (_balancer is not null) await _balancer.StartAsync(cancellationToken);
    }

    private Node Make(string name, string secret, string role, params IEnumerable<string> more)
    {
        var address = NewAddress();
        var clientPort = $"{FreePorts.Next()}";
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
