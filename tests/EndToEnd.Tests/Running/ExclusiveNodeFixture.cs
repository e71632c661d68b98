using System.Net.Http.Json;
using System.Text.Json.Nodes;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.EndToEnd.Tests;

/// <summary>
/// A node and a fake Coze for tests that run one after another, so that a test can make the fake Coze fail calls that contain no prompt. The node starts
/// streams at once, and sends keep-alive comments after a second.
/// </summary>
public sealed class ExclusiveNodeFixture : IAsyncLifetime
{
    private const int Models = 40;

    private SandboxNode? _node;
    private int _next;

    public FakeCoze Coze => _node!.Sandbox.Coze;

    internal HttpClient Http => _node!.Http;

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(
        (sandbox, folder) =>
        {
            var coze = new Uri(sandbox.BaseUrl, "coze");
            var fleet = new TestFleet()
                .AddOAuthAccount("oauth", coze, OAuthApp.AppId, sandbox.Coze.OAuth.KeyId, folder.Write("oauth.pem", sandbox.Coze.OAuth.PrivateKeyPem))
                .AddBot("oauth", Bots.One, "oauth")
                .AddModel("oauth", "oauth");
            for (var number = 1; number <= Models; number++) fleet.AddIsolatedModel($"plain-{number}", coze);
            return fleet.ToString();
        },
        arguments: ["--start-grace", "0s", "--keep-alive", "1s"]);

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>Creates a request.</summary>
    /// <param name="directives">The directives for the sandbox, without brackets.</param>
    /// <param name="model">The model; null for one that no other test uses.</param>
    internal ChatRequest NewRequest(string directives = "", string? model = null) =>
        new(Http, Coze, model ?? $"plain-{Interlocked.Increment(ref _next)}", directives);

    /// <summary>Makes the fake Coze fail or delay the next calls whose path ends with <paramref name="path"/>.</summary>
    internal async Task AddFaultAsync(string path, int? http = null, int? error = null, string? delay = null, int times = 1)
    {
        using var control = new HttpClient { BaseAddress = _node!.Sandbox.BaseUrl };
        var fault = new JsonObject { ["path"] = path, ["http"] = http, ["error"] = error, ["delay"] = delay, ["times"] = times };
        using var response = await control.PostAsJsonAsync("coze/sandbox/faults", fault, TestTimeout.Token);
        response.EnsureSuccessStatusCode();
    }
}

/// <summary>The tests that share the node.</summary>
[CollectionDefinition(nameof(ExclusiveNode))]
public sealed class ExclusiveNode : ICollectionFixture<ExclusiveNodeFixture>;
