using CozeCluster.Sandbox;

namespace CozeCluster.EndToEnd.Tests.Crashes;

/// <summary>A node that is killed and started again on the same data, before a fake Coze that goes on.</summary>
internal sealed class CrashingNode : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly List<HttpClient> _clients = [];
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private string _fleet = "";

    /// <summary>For the node that runs now. Those of its forerunners stay: what they still hold is read to its end.</summary>
    public HttpClient Http => _clients[^1];

    public async ValueTask StartAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        _fleet = _folder.Write("fleet.yaml", new TestFleet().Alone("bot", new Uri(_sandbox.BaseUrl, "coze")).ToString());
        await StartNodeAsync();
    }

    public Ask Ask(string directives) => new(Http, _sandbox.Coze, "bot", directives);

    /// <summary>The same question to the node that runs now.</summary>
    public Ask Again(Ask ask) => ask.To(Http);

    /// <summary>Kills the node and starts it again.</summary>
    public async Task CrashAsync()
    {
        await _node.DisposeAsync();
        await StartNodeAsync();
    }

    public Task<int> StopAsync() => _node.StopAsync(EndToEnd.Tests.Ask.Patience);

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    private async Task StartNodeAsync()
    {
        _node = await Nodes.StartAsync(_folder.Path, ["--fleet", _fleet, "--start-grace", "60s"]);
        _clients.Add(HttpCalls.Client(_node.BaseUrl));
    }
}
