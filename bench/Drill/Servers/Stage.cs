namespace CozeCluster.Drill;

/// <summary>The sandbox and the nodes in front of it, on loopback, with a folder of their own.</summary>
internal abstract class Stage : IAsyncDisposable
{
    /// <summary>The tenant's key.</summary>
    public const string Key = "key-of-the-drill";

    /// <summary>The account's token at the fake Coze.</summary>
    public const string Token = "pat_sandbox";

    /// <summary>The model.</summary>
    public const string Model = "drill";

    private readonly bool _keep;
    private ServerProcess? _sandbox;

    protected Stage(string? keep)
    {
        _keep = keep is not null;
        Folder = keep is null ? Directory.CreateTempSubdirectory("drill-").FullName : Directory.CreateDirectory(keep).FullName;
        Sandbox = new Uri($"http://127.0.0.1:{Ports.Free()}/");
    }

    /// <summary>The sandbox.</summary>
    public Uri Sandbox { get; }

    /// <summary>All nodes.</summary>
    public abstract IReadOnlyList<Node> Nodes { get; }

    /// <summary>Where clients may knock.</summary>
    public abstract IReadOnlyList<Uri> Doors { get; }

    /// <summary>Where everything keeps its files.</summary>
    protected string Folder { get; }

    /// <summary>What is killed as number <paramref name="turn"/>, from 0.</summary>
    public abstract Node Victim(int turn);

    /// <exception cref="ServerException">Something does not start.</exception>
    public static async Task<Stage> StartAsync(DrillOptions options, CancellationToken cancellationToken)
    {
        Stage stage = options.IsCluster ? new ClusterStage(options) : new SingleStage(options.Keep);
        try
        {
            await File.WriteAllTextAsync(Path.Combine(stage.Folder, "fleet.yaml"), options.Discord ? DiscordFleet.For(stage.Sandbox) : stage.CozeFleet(), cancellationToken);
            stage._sandbox = await ServerProcess.StartAsync(
                "sandbox", ServerProcess.Program("Sandbox", stage.Folder, ["--urls", stage.Sandbox.ToString()]), Path.Combine(stage.Folder, "sandbox.log"),
                new Uri(stage.Sandbox, "coze/sandbox/counts"), cancellationToken);
            await stage.StartNodesAsync(cancellationToken);
            return stage;
        }
        catch
        {
            await stage.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts every node that is down.</summary>
    /// <exception cref="ServerException">One does not start.</exception>
    public async Task EnsureNodesAsync(CancellationToken cancellationToken)
    {
        foreach (var node in Nodes.Where(node => !node.IsUp)) await node.StartAsync(cancellationToken);
    }

    /// <summary>What went wrong with the nodes that no reply shows.</summary>
    public virtual async Task<IReadOnlyList<string>> TroublesAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        return [.. Nodes.Where(node => node.HasFallen).Select(node => $"{node.Name} ended by itself")];
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in Nodes) await node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        if (!_keep) Directory.Delete(Folder, recursive: true);
    }

    protected virtual Task StartNodesAsync(CancellationToken cancellationToken) => EnsureNodesAsync(cancellationToken);

    // Two bots, so that conversations have a choice, on one account, so that the record can be read with one token.
    private string CozeFleet() => $"""
        tenants:
          - id: drill
            keys:
              - name: drill
                key: {Key}
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
        """;
}
