using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Security.Tests.PassThrough;

/// <summary>A request as a provider has received it.</summary>
/// <param name="Target">The target as it was sent, not normalized.</param>
/// <param name="Headers">The headers, one in a line.</param>
/// <param name="Body">The body.</param>
internal sealed record ReceivedRequest(string Target, string Headers, string Body)
{
    public override string ToString() => $"{Target}\n{Headers}\n{Body}";
}

/// <summary>A node that passes requests to providers which repeat all that they receive, and remember it.</summary>
public sealed class EchoProvider : IAsyncLifetime
{
    /// <summary>The token of every account.</summary>
    public const string Token = "sk-canary-of-the-account-1122334455667788";

    /// <summary>A key of a client for the provider.</summary>
    public const string OwnKey = "sk-own-key-of-a-client-99887766554433";

    private readonly ConcurrentQueue<ReceivedRequest> _received = new();
    private Trap? _trap;
    private SandboxNode? _node;

    internal HttpClient Http => _node!.Http;

    internal string Log => _node!.Node.Output;

    /// <summary>What the provider has received, oldest first.</summary>
    internal IReadOnlyList<ReceivedRequest> Received => [.. _received];

    public async ValueTask InitializeAsync()
    {
        _trap = await Trap.StartAsync(Repeat);
        _node = await SandboxNode.StartAsync((_, _) => CreateFleet(_trap.Url), arguments: ["--log-level", "trace", "--max-body-bytes", "65536"]);
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null) await _node.DisposeAsync();
        if (_trap is not null) await _trap.DisposeAsync();
    }

    private static string CreateFleet(Uri url) => new TestFleet()
        .AddLanguageModel("openai", "openai", new Uri(url, "deep/v1"), "m", Token, "").AddModel("m", "openai")
        .AddLanguageModel("claude", "claude", new Uri(url, "claude"), "m", Token, "")
        .AddLanguageModel("gemini", "gemini", new Uri(url, "gemini/v1beta"), "m", Token, "")
        + """

          endpoints:
            - id: keyed
              path: /keyed
              compat: aiproxy
              options: { openai_account: openai, claude_account: claude, gemini_account: gemini, tenants: main }
            - id: own
              path: /own
              compat: aiproxy
              anonymous: main
              options: { openai_account: openai, claude_account: claude, gemini_account: gemini, own_keys: true }
            - id: only-own
              path: /only-own
              compat: aiproxy
              options: { gemini_account: gemini, own_keys: true, tenants: main }
          """.ReplaceLineEndings("\n");

    private async Task Repeat(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var headers = string.Join('\n', context.Request.Headers.Select(header => $"{header.Key}: {header.Value}"));
        var target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
        var request = new ReceivedRequest($"{context.Request.Method} {target}", headers, await reader.ReadToEndAsync());
        _received.Enqueue(request);
        var key = context.Request.Headers.Authorization.ToString() + context.Request.Headers["x-api-key"] + context.Request.Headers["x-goog-api-key"];
        context.Response.Headers["x-you-sent"] = key;
        context.Response.Headers["x-request-id"] = "of-the-provider";
        context.Response.Headers["openai-organization"] = "org-of-the-account";
        context.Response.Headers.SetCookie = "session=of-the-provider";
        context.Response.Headers.AccessControlAllowOrigin = "https://provider.example";
        if (target.Contains("refuse", StringComparison.Ordinal)) context.Response.StatusCode = 401;
        if (target.Contains("redirect", StringComparison.Ordinal)) context.Response.Redirect("https://elsewhere.example/");
        // In pieces, which divide the key.
        foreach (var piece in $"You sent: {request}".Chunk(7))
        {
            await context.Response.WriteAsync(new string(piece));
            await context.Response.Body.FlushAsync();
        }
    }
}
