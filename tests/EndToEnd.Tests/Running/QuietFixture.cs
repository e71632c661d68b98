using System.Net.Http.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>
/// A node and a fake Coze for tests that run one after another, so that faults can be laid on calls that carry no prompt. Its node starts streams at once,
/// and says within a second that it still lives.
/// </summary>
public sealed class QuietFixture : IAsyncLifetime
{
    private const int Models = 40;

    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private int _next;

    public FakeCoze Coze => _sandbox.Coze;

    internal HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var coze = new Uri(_sandbox.BaseUrl, "coze");
        var fleet = new TestFleet()
            .OAuthAccount("oauth", coze, OAuthApp.AppId, Coze.OAuth.KeyId, _folder.Write("oauth.pem", Coze.OAuth.PrivateKeyPem))
            .Bot("oauth", Bots.One, "oauth").Model("oauth", "oauth");
        for (var number = 1; number <= Models; number++) fleet.Alone($"plain-{number}", coze);
        _node = await Nodes.StartAsync(
            _folder.Path, ["--fleet", _folder.Write("fleet.yaml", fleet.ToString()), "--start-grace", "0s", "--keep-alive", "1s"]);
        Http = HttpCalls.Client(_node.BaseUrl);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    internal Ask Ask(string directives = "", string? model = null) => new(Http, Coze, model ?? $"plain-{Interlocked.Increment(ref _next)}", directives);

    /// <summary>Lays a fault on the next calls whose path ends so.</summary>
    internal async Task FaultAsync(string path, int? http = null, int? error = null, string? delay = null, int times = 1)
    {
        using var control = new HttpClient { BaseAddress = _sandbox.BaseUrl };
        var fault = new JsonObject { ["path"] = path, ["http"] = http, ["error"] = error, ["delay"] = delay, ["times"] = times };
        using var response = await control.PostAsJsonAsync("coze/sandbox/faults", fault, CozeCluster.EndToEnd.Tests.Ask.Patience);
        response.EnsureSuccessStatusCode();
    }
}

/// <summary>The tests that share it, one after another.</summary>
[CollectionDefinition(nameof(QuietNode))]
public sealed class QuietNode : ICollectionFixture<QuietFixture>;
