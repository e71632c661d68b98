using CozeCluster.EndToEnd.Tests;
using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;

[assembly: AssemblyFixture(typeof(NodeFixture))]

namespace CozeCluster.EndToEnd.Tests;

/// <summary>
/// One node, run as a user runs it, and the fake Coze it sends to, for all tests of this project. Tests run beside each other: each takes a model of its own and
/// finds its chats by its prompt.
/// </summary>
public sealed class NodeFixture : IAsyncLifetime
{
    private const int PlainModels = 500;
    private const int ImpatientModels = 20;

    private readonly TempFolder _folder = new();
    private SandboxServer _sandbox = null!;
    private INode _node = null!;
    private int _plain;
    private int _impatient;

    /// <summary>What the fake Coze saw.</summary>
    public FakeCoze Coze => _sandbox.Coze;

    /// <summary>Where the fake Coze is.</summary>
    internal Uri CozeUrl => new(_sandbox.BaseUrl, "coze");

    /// <summary>Where the node is.</summary>
    internal Uri Url => _node.BaseUrl;

    /// <summary>The token of the account that <c>rotating</c> has besides one that is out of credit.</summary>
    internal string SoundToken { get; private set; } = "";

    /// <summary>Where all of its processes are.</summary>
    internal IReadOnlyList<Uri> Urls => _node.Urls;

    /// <summary>What the node logged.</summary>
    internal string Log => _node.Output;

    /// <summary>A client without a key, for this node.</summary>
    internal HttpClient Http { get; private set; } = null!;

    /// <summary>The names of all models that every tenant sees.</summary>
    internal static IEnumerable<string> Models =>
    [
        .. Enumerable.Range(1, PlainModels).Select(number => $"plain-{number}"),
        .. Enumerable.Range(1, ImpatientModels).Select(number => $"impatient-{number}"),
        "brief", "unpublished", "unknown-bot", "unauthorized", "down", "up", "half-down", "oauth", "round", "homely", "rotating", "broke", "narrow",
    ];

    public async ValueTask InitializeAsync()
    {
        _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);
        var fleet = _folder.Write("fleet.yaml", Fleet().ToString());
        _node = await Nodes.StartAsync(
            _folder.Path, ["--fleet", fleet, "--start-grace", "60s"], new Dictionary<string, string> { ["SANDBOX_TOKEN"] = "pat_sandbox" });
        Http = HttpCalls.Client(Url);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_node is not null) await _node.DisposeAsync();
        if (_sandbox is not null) await _sandbox.DisposeAsync();
        _folder.Dispose();
    }

    /// <summary>A model that nobody else uses, with one bot and one account of its own.</summary>
    internal string PlainModel() => Interlocked.Increment(ref _plain) is var number and <= PlainModels
        ? $"plain-{number}"
        : throw new InvalidOperationException($"More than {PlainModels} tests want a model: raise the number.");

    /// <summary>The same, with a bot that is waited for no longer than a second.</summary>
    internal string ImpatientModel() => Interlocked.Increment(ref _impatient) is var number and <= ImpatientModels
        ? $"impatient-{number}"
        : throw new InvalidOperationException($"More than {ImpatientModels} tests want a model: raise the number.");

    /// <summary>A question with the tests' usual key.</summary>
    /// <param name="directives">What the sandbox is to do, without brackets.</param>
    /// <param name="model">Null: a fresh one.</param>
    internal Ask Ask(string directives = "", string? model = null) => new(Http, Coze, model ?? PlainModel(), directives);

    private TestFleet Fleet()
    {
        var broke = Coze.MintToken(chats: 0);
        SoundToken = Coze.MintToken();
        var fleet = new TestFleet();
        for (var number = 1; number <= PlainModels; number++) fleet.Alone($"plain-{number}", CozeUrl, token: "${SANDBOX_TOKEN}");
        for (var number = 1; number <= ImpatientModels; number++) fleet.Alone($"impatient-{number}", CozeUrl, "timeouts: { first_byte: 4s, idle: 4s }");
        return fleet
            .Alone("brief", CozeUrl, "timeouts: { total: 6s }")
            .Alone("unpublished", CozeUrl, botId: Bots.Unpublished)
            .Alone("unknown-bot", CozeUrl, botId: Bots.Unknown)
            .Alone("unauthorized", CozeUrl, token: "pat_sandbox_expired")
            // Nobody listens on port 1.
            .Alone("down", new Uri("http://127.0.0.1:1/coze"))
            .Alone("up", CozeUrl).Bot("away", Bots.One, "down").Model("half-down", "away, up")
            .OAuthAccount("oauth", CozeUrl, OAuthApp.AppId, Coze.OAuth.KeyId, _folder.Write("oauth.pem", Coze.OAuth.PrivateKeyPem))
            .Bot("oauth", Bots.One, "oauth").Model("oauth", "oauth")
            .Model("for-others", "up", "tenants: [other]")
            .Account("round", CozeUrl, "pat_sandbox").Bot("round-1", Bots.One, "round").Bot("round-2", Bots.Two, "round").Bot("round-3", Bots.Three, "round")
            .Model("round", "round-1, round-2, round-3").Model("homely", "round-1, round-2, round-3")
            .Account("out-of-credit", CozeUrl, broke).Account("in-credit", CozeUrl, SoundToken)
            .Bot("rotating", Bots.One, "out-of-credit, in-credit").Model("rotating", "rotating")
            .Alone("broke", CozeUrl, token: broke)
            .Alone("narrow", CozeUrl, "max_concurrent_turns: 1");
    }
}
