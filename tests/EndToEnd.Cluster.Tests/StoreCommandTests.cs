using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests.Cluster;

/// <summary>Tests of commands that work on what nodes have stored: a folder for the nodes, and a fleet with one bot at a fake Coze.</summary>
public abstract class StoreCommandTests : IAsyncLifetime
{
    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;

    private protected string Folder => _folder.Path;

    /// <summary>The data folder of a single node in <see cref="Folder"/>.</summary>
    private protected string Data => Path.Combine(Folder, "data");

    /// <summary>The id of a cluster whose nodes are in <see cref="Folder"/>.</summary>
    private protected string ClusterId => Path.GetFileName(Folder);

    private protected FakeCoze Coze => _sandbox.Coze;

    /// <summary>The arguments of every node.</summary>
    private protected string[] Arguments { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", new TestFleet().AddIsolatedModel("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        Arguments = ["--fleet", fleet, "--start-grace", "60s"];
    }

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>Starts a cluster with one silo that has these keys for its secrets.</summary>
    private protected Task<NodeCluster> StartClusterAsync(string keys) => NodeCluster.StartAsync(Folder, Arguments, KeysVariable(keys), silos: 1);

    /// <summary>The environment variable with keys for secrets.</summary>
    private protected static Dictionary<string, string> KeysVariable(string keys) => new() { ["COZECLUSTER_SECRETS_KEY"] = keys };

    /// <summary>Runs a turn in the conversation <c>kept</c>.</summary>
    /// <returns>The id of the conversation at Coze.</returns>
    private protected async Task<string> SendAsync(HttpClient http, string prompt)
    {
        var request = new ChatRequest(http, Coze, "bot", $"chunks=3 seed={prompt.Length}").InConversation("kept");
        Assert.True((await request.StreamAsync()).IsDone);
        return request.Chat.ConversationId;
    }
}
