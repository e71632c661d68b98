using CozeCluster.EndToEnd.Tests;
using CozeCluster.Sandbox.Coze;

[assembly: AssemblyFixture(typeof(NodeFixture))]

namespace CozeCluster.EndToEnd.Tests;

/// <summary>
/// A node that runs as users run it, and the fake Coze that it uses, for all tests of this project. Tests run concurrently: each uses its own model, and finds
/// its chats by its prompt.
/// </summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private const int PlainModels = 500;
    private const int ShortTimeoutModels = 20;

    private SandboxNode? _node;
    private int _plain;
    private int _shortTimeouts;

    public FakeCoze Coze => _node!.Sandbox.Coze;

    internal Uri CozeUrl => new(_node!.Sandbox.BaseUrl, "coze");

    /// <summary>The URL of the node.</summary>
    internal Uri Url => _node!.Node.BaseUrl;

    /// <summary>The URLs of all processes of the node.</summary>
    internal IReadOnlyList<Uri> Urls => _node!.Node.Urls;

    /// <summary>The log of the node.</summary>
    internal string Log => _node!.Node.Output;

    /// <summary>A client of the node, without an API key.</summary>
    internal HttpClient Http => _node!.Http;

    /// <summary>The model <c>rotating</c> has two accounts: one is out of credit, the other has this token.</summary>
    internal string TokenWithCredit { get; private set; } = "";

    /// <summary>The names of all models that every tenant sees.</summary>
    internal static IEnumerable<string> Models =>
    [
        .. Enumerable.Range(1, PlainModels).Select(number => $"plain-{number}"),
        .. Enumerable.Range(1, ShortTimeoutModels).Select(number => $"short-timeouts-{number}"),
        "brief", "unpublished", "unknown-bot", "unauthorized", "down", "up", "half-down", "oauth", "round", "homely", "rotating", "broke", "narrow",
        "metered", "tiered",
    ];

    public async ValueTask InitializeAsync() => _node = await SandboxNode.StartAsync(
        (sandbox, folder) => CreateFleet(sandbox.Coze, new Uri(sandbox.BaseUrl, "coze"), folder).ToString(),
        environment: new Dictionary<string, string> { ["SANDBOX_TOKEN"] = "pat_sandbox" });

    public ValueTask DisposeAsync() => _node?.DisposeAsync() ?? ValueTask.CompletedTask;

    /// <summary>A model that no other test uses, with its own bot and its own account.</summary>
    internal string NewModel() => Interlocked.Increment(ref _plain) is var number and <= PlainModels
        ? $"plain-{number}"
        : throw new InvalidOperationException($"More than {PlainModels} tests need a model. Raise the number.");

    /// <summary>A model that no other test uses, whose bot has timeouts of a few seconds.</summary>
    internal string NewModelWithShortTimeouts() => Interlocked.Increment(ref _shortTimeouts) is var number and <= ShortTimeoutModels
        ? $"short-timeouts-{number}"
        : throw new InvalidOperationException($"More than {ShortTimeoutModels} tests need a model with short timeouts. Raise the number.");

    /// <summary>Creates a request with the API key of the main tenant.</summary>
    /// <param name="directives">The directives for the sandbox, without brackets.</param>
    /// <param name="model">The model; null for <see cref="NewModel"/>.</param>
    internal ChatRequest NewRequest(string directives = "", string? model = null) => new(Http, Coze, model ?? NewModel(), directives);

    private TestFleet CreateFleet(FakeCoze coze, Uri url, TempFolder folder)
    {
        var tokenWithoutCredit = coze.MintToken(chats: 0);
        TokenWithCredit = coze.MintToken();
        var fleet = new TestFleet();
        for (var number = 1; number <= PlainModels; number++) fleet.AddIsolatedModel($"plain-{number}", url, token: "${SANDBOX_TOKEN}");
        for (var number = 1; number <= ShortTimeoutModels; number++)
            fleet.AddIsolatedModel($"short-timeouts-{number}", url, "timeouts: { first_byte: 4s, idle: 4s }");
        return fleet
            .AddIsolatedModel("brief", url, "timeouts: { total: 6s }")
            .AddIsolatedModel("unpublished", url, botId: Bots.Unpublished)
            .AddIsolatedModel("unknown-bot", url, botId: Bots.Unknown)
            .AddIsolatedModel("unauthorized", url, token: "pat_sandbox_expired")
            // No server listens on port 1.
            .AddIsolatedModel("down", new Uri("http://127.0.0.1:1/coze"))
            .AddIsolatedModel("up", url).AddBot("away", Bots.One, "down").AddModel("half-down", "away, up")
            .AddOAuthAccount("oauth", url, OAuthApp.AppId, coze.OAuth.KeyId, folder.Write("oauth.pem", coze.OAuth.PrivateKeyPem))
            .AddBot("oauth", Bots.One, "oauth").AddModel("oauth", "oauth")
            .AddModel("for-others", "up", "tenants: [other]")
            .AddAccount("round", url, "pat_sandbox")
            .AddBot("round-1", Bots.One, "round").AddBot("round-2", Bots.Two, "round").AddBot("round-3", Bots.Three, "round")
            .AddModel("round", "round-1, round-2, round-3").AddModel("homely", "round-1, round-2, round-3")
            .AddAccount("out-of-credit", url, tokenWithoutCredit).AddAccount("in-credit", url, TokenWithCredit)
            .AddBot("rotating", Bots.One, "out-of-credit, in-credit").AddModel("rotating", "rotating")
            .AddIsolatedModel("broke", url, token: tokenWithoutCredit)
            .AddIsolatedModel("metered", url, "limits: { daily: { requests: 1 } }")
            .AddModel("tiered", "{ id: round-3, priority: 3 }, { id: away, priority: 2 }, { id: round-2, weight: 1 }", "routing: weighted")
            .AddIsolatedModel("narrow", url, "max_concurrent_turns: 1");
    }
}
