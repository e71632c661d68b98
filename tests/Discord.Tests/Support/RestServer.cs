using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord.Tests;

/// <summary>A request that the server received.</summary>
internal sealed record RestRequest(string Method, string Path, IReadOnlyDictionary<string, string> Headers, string Body)
{
    public JsonNode Json => JsonNode.Parse(Body)!;

    public override string ToString() => $"{Method} {Path}";
}

/// <summary>A small HTTP server whose responses the test chooses.</summary>
internal sealed class RestServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private RestServer(WebApplication app) => _app = app;

    public ConcurrentQueue<RestRequest> Requests { get; } = [];

    public string BaseUrl => _app.Urls.First();

    public static async Task<RestServer> Start(Func<HttpContext, RestRequest, Task> respond)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var app = builder.Build();
        var server = new RestServer(app);
        app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            var request = new RestRequest(
                context.Request.Method,
                context.Request.Path + context.Request.QueryString,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase),
                await reader.ReadToEndAsync());
            server.Requests.Enqueue(request);
            await respond(context, request);
        });
        await app.StartAsync();
        return server;
    }

    /// <summary>Gives these responses one after another, and repeats the last one.</summary>
    public static Task<RestServer> Start(params Func<HttpContext, Task>[] responses)
    {
        var next = -1;
        return Start((context, _) => responses[Math.Min(Interlocked.Increment(ref next), responses.Length - 1)](context));
    }

    public static Func<HttpContext, Task> Respond(string json, int status = 200, params (string Name, string Value)[] headers) => async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        foreach (var (name, value) in headers) context.Response.Headers[name] = value;
        if (status != 204) await context.Response.WriteAsync(json);
    };

    /// <summary>A response with rate limit headers.</summary>
    public static Func<HttpContext, Task> Limited(string json, int limit, int remaining, string resetAfter, string bucket = "b") => Respond(
        json, 200,
        ("X-RateLimit-Limit", $"{limit}"), ("X-RateLimit-Remaining", $"{remaining}"), ("X-RateLimit-Reset-After", resetAfter), ("X-RateLimit-Bucket", bucket));

    /// <summary>A 429.</summary>
    public static Func<HttpContext, Task> TooMany(string retryAfter, string scope = "user", int code = 0) => Respond(
        $$"""{"message":"You are being rate limited.","retry_after":{{retryAfter}},"global":{{(scope == "global" ? "true" : "false")}},"code":{{code}}}""",
        429, ("X-RateLimit-Scope", scope), ("Retry-After", "99"));

    /// <summary>Aborts the connection instead of responding.</summary>
    public static Task Abort(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(atOnce.Token);
        await _app.DisposeAsync();
    }
}
