using System.Collections.Concurrent;
using CozeCluster.TestKit;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord.Tests;

/// <summary>A REST client of a server that the test plays; with a manual clock, unless the test gives another one.</summary>
internal sealed class RestRig : IAsyncDisposable
{
    public const string Token = "secret-token-of-the-account";

    private readonly RestServer? _server;
    private readonly HttpMessageInvoker _http = new(UpstreamHandlers.New(proxy: null));
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(30));

    public RestRig(
        string baseUrl,
        TimeProvider? time = null,
        Func<DiscordRestOptions, DiscordRestOptions>? change = null,
        DiscordTokenKind kind = DiscordTokenKind.Bot,
        string token = Token)
    {
        Guard = new InvalidRequestGuard(time ?? Time);
        var options = new DiscordRestOptions("account-a", token, kind) { BaseUrl = baseUrl };
        Rest = new DiscordRest(_http, change?.Invoke(options) ?? options, Guard, time ?? Time, Log);
    }

    public RestRig(RestServer server, Func<DiscordRestOptions, DiscordRestOptions>? change = null, DiscordTokenKind kind = DiscordTokenKind.Bot)
        : this(server.BaseUrl, null, change, kind) => _server = server;

    public static Snowflake Channel { get; } = new(111);

    public ManualTime Time { get; } = new();

    public DiscordRest Rest { get; }

    public InvalidRequestGuard Guard { get; }

    public LogLines Log { get; } = new();

    public RestServer Server => _server!;

    public IReadOnlyList<RestRequest> Requests => [.. Server.Requests];

    /// <summary>Ends a test that hangs.</summary>
    public CancellationToken Timeout => _timeout.Token;

    public Task<DiscordMessage> Send(string content, string? nonce = null, TimeSpan? maxWait = null, Snowflake? channel = null) =>
        Rest.CreateMessage(channel ?? Channel, new NewMessage { Content = content, Nonce = nonce }, maxWait, Timeout);

    public Task<ClusterException> ExpectError(Task task) => Assert.ThrowsAsync<ClusterException>(() => task);

    public async ValueTask DisposeAsync()
    {
        Rest.Dispose();
        _http.Dispose();
        _timeout.Dispose();
        if (_server is not null) await _server.DisposeAsync();
    }
}

/// <summary>Records log messages.</summary>
internal sealed class LogLines : ILogger
{
    public ConcurrentQueue<string> Lines { get; } = [];

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue($"{formatter(state, exception)} {exception}");
}
