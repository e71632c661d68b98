using CozeCluster.Sandbox.Claude;
using CozeCluster.Sandbox.Coze;
using CozeCluster.Sandbox.Discord;
using CozeCluster.Sandbox.Gemini;
using CozeCluster.Sandbox.OpenAi;

namespace CozeCluster.Sandbox;

/// <summary>
/// An HTTP server with fake upstreams, each below its own path (<c>/coze</c>, <c>/discord</c>, <c>/openai</c>). Tests in the same process also use
/// the properties of this class; other programs use the control endpoints.
/// </summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SandboxServer(WebApplication app, SandboxOptions options)
    {
        _app = app;

        // To add a fake upstream, add its state as a property and map its routes below a path of its own.
        Coze = new FakeCoze(options);
        app.MapGroup("/coze").MapFakeCoze(Coze);
        Discord = new FakeDiscord(options);
        app.MapGroup("/discord").MapFakeDiscord(Discord);
        Claude = new FakeClaude(options);
        app.MapGroup("/claude").MapFakeClaude(Claude);
        Gemini = new FakeGemini(options);
        app.MapGroup("/gemini").MapFakeGemini(Gemini);
        OpenAi = new FakeOpenAi(options);
        app.MapGroup("/openai").MapFakeOpenAi(OpenAi);
    }

    /// <summary>The address of the server, without a path. The fake upstreams are below it.</summary>
    public Uri BaseUrl { get; private set; } = null!;

    /// <summary>The fake Coze at <c>/coze</c>: its recorded chats and its scripts.</summary>
    public FakeCoze Coze { get; }

    /// <summary>The fake Discord at <c>/discord</c>, with Coze-hosted bots in it.</summary>
    public FakeDiscord Discord { get; }

    /// <summary>The fake Claude at <c>/claude</c>: its recorded messages and its scripts.</summary>
    public FakeClaude Claude { get; }

    /// <summary>The fake Gemini at <c>/gemini</c>.</summary>
    public FakeGemini Gemini { get; }

    /// <summary>The fake OpenAI at <c>/openai</c>, whose API is at <c>/openai/v1</c>: its recorded completions and its scripts.</summary>
    public FakeOpenAi OpenAi { get; }

    /// <summary>Starts a server. The returned task completes when the server listens.</summary>
    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<SandboxServer> StartAsync(SandboxOptions options, CancellationToken cancellationToken)
    {
        // An empty builder, because the sandbox must not use the configuration or the signal handling of the host process.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning)
            // A start-up failure is thrown to the caller, so it is not logged here as well.
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoSignalsLifetime>();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(options.Address, options.Port);
        });

        var app = builder.Build();
        app.UseWebSockets();
        app.UseRouting();
        var server = new SandboxServer(app, options);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }
        server.BaseUrl = new Uri(app.Urls.First());
        return server;
    }

    /// <summary>Stops the server at once and closes open connections.</summary>
    public async ValueTask DisposeAsync()
    {
        Coze.StopAll();
        Gemini.StopAll();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }

    /// <summary>A lifetime that ignores process signals.</summary>
    private sealed class NoSignalsLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
