using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace CozeCluster.Gateway.Surfaces.AiProxy;

/// <summary>
/// Decides which headers pass. Of a request, only those in a list do: nothing about the client, no cookie and no key. Of a response, all but those that would
/// speak for this node or about its account do.
/// </summary>
internal sealed class PassThroughTransformer : HttpTransformer
{
    /// <summary>In the place of the address, which only the sender knows.</summary>
    private static readonly Uri Placeholder = new("http://provider/");

    private static readonly string[] RequestHeaders =
    [
        "Accept", "Accept-Language", "Range", "If-None-Match", "Idempotency-Key", "OpenAI-Beta", "anthropic-version", "anthropic-beta",
        "Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition", "Content-Length",
    ];

    /// <summary>Headers of Google's uploads.</summary>
    private const string UploadPrefix = "X-Goog-Upload-";

    /// <summary>Headers that a client may send with its own key only: they choose what the key pays for.</summary>
    private static readonly string[] OwnKeyHeaders = ["OpenAI-Organization", "OpenAI-Project"];

    private static readonly string[] RemovedResponseHeaders =
    [
        "Set-Cookie", "Set-Cookie2", "Server", "Via", "Alt-Svc", "Strict-Transport-Security", "Clear-Site-Data", "Content-Security-Policy", "Report-To", "NEL",
        "WWW-Authenticate", "Proxy-Authenticate", "Location", "OpenAI-Organization", "OpenAI-Project", "anthropic-organization-id",
    ];

    private readonly bool _hasOwnKey;

    private PassThroughTransformer(bool hasOwnKey) => _hasOwnKey = hasOwnKey;

    public static PassThroughTransformer ForAccount { get; } = new(hasOwnKey: false);

    public static PassThroughTransformer ForOwnKey { get; } = new(hasOwnKey: true);

    public override ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = Placeholder;
        foreach (var (name, values) in httpContext.Request.Headers)
        {
            if (!Passes(name)) continue;
            if (!proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                proxyRequest.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is not null)
        {
            var headers = proxyResponse.Headers;
            foreach (var name in RemovedResponseHeaders) headers.Remove(name);
            foreach (var name in headers.Select(header => header.Key).Where(name => name.StartsWith("Access-Control-", Ignored)).ToList()) headers.Remove(name);
            Rename(headers, "x-request-id", "x-upstream-request-id");
            httpContext.Response.Headers["x-accel-buffering"] = "no";
        }
        return base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
    }

    private static StringComparison Ignored => StringComparison.OrdinalIgnoreCase;

    private bool Passes(string name) =>
        RequestHeaders.Contains(name, StringComparer.OrdinalIgnoreCase) || name.StartsWith(UploadPrefix, Ignored)
        || (_hasOwnKey && OwnKeyHeaders.Contains(name, StringComparer.OrdinalIgnoreCase));

    // The header without the prefix is the id of this node's own request.
    private static void Rename(HttpResponseHeaders headers, string from, string to)
    {
        if (!headers.TryGetValues(from, out var values)) return;
        headers.TryAddWithoutValidation(to, values);
        headers.Remove(from);
    }
}
