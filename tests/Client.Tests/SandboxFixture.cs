using CozeCluster.Sandbox;
using CozeCluster.Sandbox.Coze;

namespace CozeCluster.Client.Tests;

/// <summary>The fake Coze, for all tests.</summary>
public sealed class SandboxFixture : IAsyncLifetime
{
    public const string BotId = "7350000000000000001";

    private SandboxServer? _sandbox;

    public FakeCoze Coze => _sandbox!.Coze;

    public Uri Url => new(_sandbox!.BaseUrl, "coze");

    public async ValueTask InitializeAsync() => _sandbox = await SandboxServer.StartAsync(new SandboxOptions(), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        if (_sandbox is not null) await _sandbox.DisposeAsync();
    }

    /// <summary>Creates a client of the fake Coze.</summary>
    public RealCozeApi NewBot(string token = "pat_sandbox", RealCozeBot? bot = null, string? proxy = null, TimeProvider? time = null, string? user = null,
        string? host = null) =>
        new(new RealCozeOptions
        {
            Session = token, Bot = bot ?? new RealCozeBot(BotId), BaseUrl = host is null ? Url : new UriBuilder(Url) { Host = host }.Uri,
            Proxy = proxy, TimeProvider = time ?? TimeProvider.System,
            User = user ?? Guid.NewGuid().ToString(),
        });

    /// <summary>A history with one message of the user.</summary>
    public static IReadOnlyList<RealCozeMessage> Ask(string prompt) => RealCozeApi.GenerateChatHistory(prompt);
}
