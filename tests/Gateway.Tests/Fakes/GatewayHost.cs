using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>The gateway with fake grains, on a real server that is reached over loopback.</summary>
public sealed class GatewayHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TimeProvider _time;

    private GatewayHost(WebApplication app, Task started, FakeGrains grains, FakeBlobs blobs, LogSink log, TimeProvider time)
    {
        (_app, Started, Grains, Blobs, Log, _time) = (app, started, grains, blobs, log, time);
        Http = new HttpClient { BaseAddress = new Uri(app.Urls.First()), Timeout = TimeSpan.FromSeconds(30) };
        Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "sk-test");
    }

    public FakeGrains Grains { get; }

    public FakeBlobs Blobs { get; }

    public LogSink Log { get; }

    /// <summary>The clock that the test moves.</summary>
    public ManualTime Time => (ManualTime)_time;

    /// <summary>An HTTP client with the tenant's key.</summary>
    public HttpClient Http { get; }

    /// <summary>Completes when all services of the host have started.</summary>
    public Task Started { get; }

    public IServiceProvider Services => _app.Services;

    /// <summary>Starts a gateway.</summary>
    /// <param name="configure">Sets the gateway's options.</param>
    /// <param name="grains">The grains.</param>
    /// <param name="realTime">Whether to use the system's clock and not one that the test moves.</param>
    /// <param name="map">Maps additional routes.</param>
    /// <param name="slowStart">
    /// If given, another service of the host completes its start only when this task does, and this method returns as soon as the server accepts requests.
    /// </param>
    /// <param name="http2">Whether the host and its client use HTTP/2 without TLS, instead of HTTP/1.1.</param>
    /// <param name="addServices">Adds further services.</param>
    public static async Task<GatewayHost> Start(
        Action<GatewayOptions>? configure = null, FakeGrains? grains = null, bool realTime = false, Action<WebApplication>? map = null, Task? slowStart = null,
        bool http2 = false, Action<IServiceCollection>? addServices = null)
    {
        grains ??= new FakeGrains();
        var blobs = new FakeBlobs();
        var log = new LogSink();
        TimeProvider time = realTime ? TimeProvider.System : new ManualTime();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders().AddProvider(log).SetMinimumLevel(LogLevel.Information);
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        if (http2) builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton<IGrainFactory>(grains);
        builder.Services.AddSingleton<IFleetView>(grains.Fleet);
        builder.Services.AddSingleton<IReplyFeeds>(grains.Feeds);
        builder.Services.AddSingleton(grains.Departures);
        builder.Services.AddSingleton<IBlobStore>(blobs);
        builder.Services.AddSingleton<IStorageProbe>(grains.Storage);
        builder.Services.AddSingleton<ISafeFetcher>(grains.Fetcher);
        builder.Services.AddSingleton(time);
        addServices?.Invoke(builder.Services);
        builder.Services.AddGateway(configure);
        var slow = new SlowService(slowStart ?? Task.CompletedTask);
        builder.Services.AddHostedService(_ => slow);
        var app = builder.Build();
        app.MapGateway();
        map?.Invoke(app);
        var started = app.StartAsync();
        await (slowStart is null ? started : await Task.WhenAny(started, slow.Reached));
        var host = new GatewayHost(app, started, grains, blobs, log, time);
        if (http2) (host.Http.DefaultRequestVersion, host.Http.DefaultVersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        return host;
    }

    /// <summary>JSON content for a request.</summary>
    public static StringContent Json(string body) => new(body, Encoding.UTF8, "application/json");

    /// <summary>A minimal chat completion request.</summary>
    public static string Body(string more = "") => $$"""{"model":"bot","messages":[{"role":"user","content":"Hi"}]{{more}}}""";

    public Task<HttpResponseMessage> Chat(string body) => Http.PostAsync("/v1/chat/completions", Json(body));

    /// <summary>Sends a chat completion request and returns when the response's headers are there.</summary>
    public Task<HttpResponseMessage> Stream(string? body = null, Action<HttpRequestMessage>? change = null, CancellationToken cancellationToken = default)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = Json(body ?? Body(",\"stream\":true")),
            Version = Http.DefaultRequestVersion,
            VersionPolicy = Http.DefaultVersionPolicy,
        };
        change?.Invoke(request);
        return Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    /// <summary>Reads the metrics with an admin key.</summary>
    public async Task<HttpResponseMessage> GetMetrics()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics") { Headers = { Authorization = new("Bearer", "sk-admin") } };
        return await Http.SendAsync(request);
    }

    /// <summary>Waits for the first turn.</summary>
    /// <returns>Its conversation.</returns>
    public Task<FakeConversation> WaitForTurn() => Grains.FirstBegin.Task.WaitAsync(TimeSpan.FromSeconds(30));

    public Task Stop() => _app.StopAsync();

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(timeout.Token);
        await _app.DisposeAsync();
    }

    /// <summary>Delays the end of the host's start, while the server already accepts requests.</summary>
    private sealed class SlowService(Task work) : IHostedLifecycleService
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Reached => _reached.Task;

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken)
        {
            _reached.TrySetResult();
            return work.WaitAsync(cancellationToken);
        }

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
