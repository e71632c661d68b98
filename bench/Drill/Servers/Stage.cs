using CozeCluster.TestKit;
using Microsoft.Data.Sqlite;

namespace CozeCluster.Drill;

/// <summary>The servers of a drill: the sandbox and the nodes in front of it, on loopback, with their own folder.</summary>
internal abstract class Stage : IAsyncDisposable
{
    /// <summary>The API key of the tenant.</summary>
    public const string Key = "key-of-the-drill";

    /// <summary>The token of the account at the fake Coze.</summary>
    public const string Token = "pat_sandbox";

    /// <summary>The model.</summary>
    public const string Model = "drill";

    private readonly bool _keepFolder;
    private ServerProcess? _sandbox;

    protected Stage(string? folder)
    {
        _keepFolder = folder is not null;
        Folder = folder is null ? Directory.CreateTempSubdirectory("drill-").FullName : Directory.CreateDirectory(folder).FullName;
        Sandbox = NewAddress();
    }

    /// <summary>The address of the sandbox.</summary>
    public Uri Sandbox { get; }

    /// <summary>All nodes.</summary>
    public abstract IReadOnlyList<Node> Nodes { get; }

    /// <summary>The addresses to which clients may send requests.</summary>
    public abstract IReadOnlyList<Uri> ClientAddresses { get; }

    /// <summary>The folder for the files of all servers.</summary>
    protected string Folder { get; }

    /// <summary>The node that is killed or stopped as number <paramref name="number"/>, from 0.</summary>
    public abstract Node NodeToEnd(int number);

    /// <exception cref="ServerException">A server does not start.</exception>
    public static async Task<Stage> StartAsync(DrillOptions options, CancellationToken cancellationToken)
    {
        Stage stage = options.IsCluster ? new ClusterStage(options) : new SingleNodeStage(options.Keep);
        try
        {
            var fleet = options.Discord ? DiscordFleet.Create(stage.Sandbox) : stage.CozeFleet(options);
            await File.WriteAllTextAsync(Path.Combine(stage.Folder, "fleet.yaml"), fleet, cancellationToken);
            stage._sandbox = await ServerProcess.StartAsync(
                "sandbox",
                ServerProcess.Program("Sandbox", stage.Folder, ["--urls", stage.Sandbox.ToString()]),
                Path.Combine(stage.Folder, "sandbox.log"),
                new Uri(stage.Sandbox, "coze/sandbox/counts"),
                cancellationToken);
            await stage.StartNodesAsync(cancellationToken);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts every node that does not run.</summary>
    /// <exception cref="ServerException">A node does not start.</exception>
    public async Task EnsureNodesAsync(CancellationToken cancellationToken)
    {
        foreach (var node in Nodes.Where(node => !node.IsStarted)) await node.StartAsync(cancellationToken);
    }

    /// <summary>Reads what each turn is charged. All nodes run afterwards.</summary>
    public abstract Task<IReadOnlyList<ChargedTurn>> ReadChargesAsync(CancellationToken cancellationToken);

    /// <summary>Problems of the nodes that replies do not show.</summary>
    public virtual Task<IReadOnlyList<string>> GetNodeProblemsAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([.. Nodes.Where(node => node.HasFailed).Select(node => $"{node.Name} ended unexpectedly")]);

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        if (!_keepFolder) Directory.Delete(Folder, recursive: true);
    }

    protected virtual Task StartNodesAsync(CancellationToken cancellationToken) => EnsureNodesAsync(cancellationToken);

    protected static Uri NewAddress() => new($"http://127.0.0.1:{FreePorts.Next()}/");

    // Two bots, so that a pool has a choice. One account, so that one token can read all records.
    private string CozeFleet(DrillOptions options) => $"""
        tenants:
          - id: drill
            keys:
              - name: drill
                key: {Key}
        {(options.Charges ? "        limits: { monthly: { tokens: 1000000000 } }" : "")}
        {(options.Charges ? $"    limits: {{ daily: {{ requests: {options.Budget} }}, monthly: {{ credits: 1000000 }} }}" : "")}
        accounts:
          - id: sandbox
            upstream: coze
            base_url: {Sandbox}coze
            token: {Token}
        bots:
          - id: one
            upstream: coze
            bot_id: 7350000000000000001
            accounts: [sandbox]
          - id: two
            upstream: coze
            bot_id: 7350000000000000002
            accounts: [sandbox]
        models:
          - id: {Model}
            bots: [one, two]
        {(options.Charges ? $"    price: {ChargeVerifier.Price}" : "")}
        """;
}

/// <summary>A single node, with its data in its folder.</summary>
internal sealed class SingleNodeStage : Stage
{
    private readonly Node _node;

    public SingleNodeStage(string? folder) : base(folder)
    {
        var address = NewAddress();
        _node = new Node("node", Folder, address, ["--fleet", "fleet.yaml", "--data", "data", "--port", $"{address.Port}"]);
    }

    public override IReadOnlyList<Node> Nodes => [_node];

    public override IReadOnlyList<Uri> ClientAddresses => [_node.Address];

    public override Node NodeToEnd(int number) => _node;

    /// <summary>Only one process may have the database open, so the node is killed once more.</summary>
    public override async Task<IReadOnlyList<ChargedTurn>> ReadChargesAsync(CancellationToken cancellationToken)
    {
        await _node.KillAsync();
        var turns = new List<ChargedTurn>();
        await using (var connection = new SqliteConnection($"Data Source={Path.Combine(Folder, "data", "grains.db")};Mode=ReadOnly;Pooling=False"))
        {
            await connection.OpenAsync(cancellationToken);
            await using var command = connection.CreateCommand();
            command.CommandText =
                "SELECT turn_id, charge_state, charged_requests, charged_tokens, charged_credits, ended_at FROM turns WHERE charge_state IS NOT NULL";
            await using var row = await command.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                var amounts = new ChargedAmounts(row.GetInt64(2), row.GetInt64(3), row.GetInt64(4));
                turns.Add(new ChargedTurn(row.GetString(0), row.GetInt32(1), amounts, row.IsDBNull(5) ? 0 : row.GetInt64(5)));
            }
        }
        await _node.StartAsync(cancellationToken);
        return turns;
    }
}
