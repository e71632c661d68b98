using CozeCluster.Sandbox.Coze;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox;

/// <summary>
/// The places replies come from, faked over real HTTP: each fake under its own path (<c>/coze</c>, …), scripted from outside,
/// open to tests from inside.
/// </summary>
public sealed class SandboxServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private SandboxServer(WebApplication app, SandboxOptions options)
    {
        _app = app;

        // A fake is added here: its state as a property below, its routes under its own path.
        Coze = new FakeCoze(options);
        app.MapGroup("/coze").MapCozeSandbox(Coze);
        Discord = new FakeDiscord(options);
        app.MapGroup("/discord").MapDiscordSandbox(Discord);
    }

    /// <summary>Where the server listens, without a trailing path; the fakes are below it.</summary>
    public Uri BaseUrl { get; private set; } = null!;

    /// <summary>The fake Coze behind <c>/coze</c>: its record of what happened and its scripts.</summary>
    public FakeCoze Coze { get; }

    /// <summary>The fake Discord behind <c>/discord</c>, with Coze-hosted bots in it.</summary>
    public FakeDiscord Discord { get; }

    /// <summary>Starts a server and returns once it listens.</summary>
    /// <exception cref="IOException">The port is taken.</exception>
    public static async Task<SandboxServer> StartAsync(SandboxOptions options, CancellationToken cancellationToken)
    {
        // Empty on purpose: neither the settings nor the signals of the process it runs in concern the sandbox.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddSimpleConsole().SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
            .AddFilter("Microsoft.AspNetCore.Server.Kestrel", LogLevel.None); // A failure to start is thrown; whoever starts the sandbox tells it.
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
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

    /// <summary>Stops listening and cuts what is still open.</summary>
    public async ValueTask DisposeAsync()
    {
        Coze.StopAll();
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
