using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>A sandbox and a node that uses it, with their own folder. The node can be killed and started again on the same data.</summary>
internal sealed class SandboxNode : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<HttpClient> _clients = [];
    private readonly IReadOnlyDictionary<string, string>? _environment;
    private IReadOnlyList<string> _arguments;
    private INode? _node;

    private SandboxNode(SandboxServer sandbox, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string>? environment) =>
        (Sandbox, _arguments, _environment) = (sandbox, arguments, environment);

    public SandboxServer Sandbox { get; }

    public INode Node => _node!;

    /// <summary>A client of the current node. The clients of earlier nodes stay open, because tests read what they still contain.</summary>
    public HttpClient Http => _clients[^1];

    /// <summary>Starts a sandbox and a node.</summary>
    /// <param name="fleet">Creates the fleet file for the sandbox. The folder is for further files.</param>
    /// <param name="options">The options of the sandbox.</param>
    /// <param name="arguments">The command line of the node, in addition to <c>--fleet</c>.</param>
    /// <param name="environment">Environment variables of the node.</param>
    public static async Task<SandboxNode> StartAsync(
        Func<SandboxServer, TempFolder, string> fleet,
        SandboxOptions? options = null,
        IReadOnlyList<string>? arguments = null,
        IReadOnlyDictionary<string, string>? environment = null)
    {
        var sandbox = await SandboxServer.StartAsync(options ?? new SandboxOptions(), CancellationToken.None);
        var node = new SandboxNode(sandbox, arguments ?? ["--start-grace", "60s"], environment);
        try
        {
            node._arguments = ["--fleet", node._folder.Write("fleet.yaml", fleet(sandbox, node._folder)), .. node._arguments];
            await node.StartNodeAsync();
            return node;
        }
        catch
        {
            await node.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts a sandbox and a node with the model <c>bot</c>.</summary>
    /// <param name="arguments">The command line of the node, in addition to <c>--fleet</c>.</param>
    public static Task<SandboxNode> StartWithOneModelAsync(params IReadOnlyList<string> arguments) => StartAsync(
        (sandbox, _) => new TestFleet().AddIsolatedModel("bot", new Uri(sandbox.BaseUrl, "coze")).ToString(),
        arguments: arguments.Count > 0 ? arguments : null);

    /// <summary>Creates a request for the model <c>bot</c>.</summary>
    public ChatRequest NewRequest(string directives) => new(Http, Sandbox.Coze, "bot", directives);

    /// <summary>Kills the node and starts it again.</summary>
    /// <param name="meanwhile">What to wait for before it starts.</param>
    public async Task CrashAsync(Func<Task>? meanwhile = null)
    {
        await Node.DisposeAsync();
        if (meanwhile is not null) await meanwhile();
        await StartNodeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        await Sandbox.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartNodeAsync()
    {
        _node = await Nodes.StartAsync(_folder.Path, _arguments, _environment);
        _clients.Add(HttpRequests.CreateClient(_node.BaseUrl));
    }
}
