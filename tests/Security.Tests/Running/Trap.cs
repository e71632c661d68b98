using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Security.Tests;

/// <summary>A server on a free port, whose requests are counted.</summary>
internal sealed class Trap : IAsyncDisposable
{
    private readonly WebApplication _app;
    private int _requests;

    private Trap(WebApplication app) => _app = app;

    /// <summary>The number of requests that have arrived.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public int Port => new Uri(_app.Urls.First()).Port;

    /// <summary>The URL on loopback.</summary>
    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>Starts a server.</summary>
    /// <param name="handle">Answers a request; null: with a picture.</param>
    /// <param name="anyAddress">Whether it listens on all addresses of this machine, and not on loopback alone.</param>
    public static async Task<Trap> StartAsync(RequestDelegate? handle = null, bool anyAddress = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            if (anyAddress) kestrel.ListenAnyIP(0);
            else kestrel.Listen(IPAddress.Loopback, 0);
            kestrel.AllowSynchronousIO = true;
            kestrel.Limits.MinResponseDataRate = null;
        });
        builder.Services.Configure<Microsoft.Extensions.Hosting.HostOptions>(static host => host.ShutdownTimeout = TimeSpan.Zero);
        var app = builder.Build();
        var trap = new Trap(app);
        app.Run(async context =>
        {
            Interlocked.Increment(ref trap._requests);
            try
            {
                await (handle ?? SendPicture)(context);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException)
            {
                // The node closed the connection.
            }
        });
        await app.StartAsync(TestTimeout.Token);
        return trap;
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private static Task SendPicture(HttpContext context)
    {
        context.Response.ContentType = "image/png";
        return context.Response.Body.WriteAsync(new byte[] { 0x89, (byte)'P', (byte)'N', (byte)'G', 0, 1, 2, 3 }).AsTask();
    }
}
