using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// Sends the requests of accounts. There is one connection pool for direct connections and one for each proxy (see <see cref="UpstreamHandlers"/>).
/// Sets no timeout except for connecting: callers pass a cancellation token.
/// </summary>
internal sealed class UpstreamHttp(ISecretSeal seal) : IDisposable
{
    private const int MaxProxyPools = 64;

    private readonly HttpMessageInvoker _direct = new(new UpstreamSpans(UpstreamHandlers.New(proxy: null)));
    private readonly ConcurrentDictionary<Secret, HttpMessageInvoker> _proxied = new();

    /// <summary>The <c>User-Agent</c> of this project. It does not reveal the version.</summary>
    public static ProductInfoHeaderValue UserAgent { get; } = new("CozeCluster", productVersion: null);

    /// <summary>The URI of a request.</summary>
    /// <param name="account">The account whose server is asked.</param>
    /// <param name="address">An address below its base URL.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: it is not an address of HTTP.</exception>
    public static Uri BuildUri(AccountDefinition account, string address) =>
        Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ClusterException(
                ErrorCode.UpstreamUnavailable, $"The base_url of account '{account.Id}' is not an http:// or https:// address. Correct it in the fleet file.");

    /// <summary>Sends a request and returns when the headers of its response have arrived.</summary>
    /// <param name="account">The account; determines the proxy.</param>
    /// <param name="request">The request, with an absolute URI.</param>
    /// <param name="codeAfterSending">The error code if the connection breaks after the server may have received the request.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.UpstreamUnavailable"/>: nothing was sent. <paramref name="codeAfterSending"/>: the request may have been received.
    /// </exception>
    public async Task<HttpResponseMessage> Send(
        AccountDefinition account, HttpRequestMessage request, ErrorCode codeAfterSending, CancellationToken cancellationToken)
    {
        var client = account.Proxy is { } proxy ? GetProxyClient(account, proxy) : _direct;
        try
        {
            return await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException inner)
        {
            // Content that could not be read, such as an expired blob.
            throw inner;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw ToClusterException(account, e, codeAfterSending);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _direct.Dispose();
        foreach (var client in _proxied.Values) client.Dispose();
    }

    private static ClusterException ToClusterException(AccountDefinition account, Exception e, ErrorCode codeAfterSending)
    {
        // The exception's message is not used: it may contain the address of a proxy.
        var server = $"{account.Upstream} server of account '{account.Id}'";
        return UpstreamHandlers.IsUnreached(e)
            ? new ClusterException(ErrorCode.UpstreamUnavailable, $"The {server} could not be reached ({UpstreamHandlers.ErrorOf(e)}).", inner: e)
            : new ClusterException(codeAfterSending, $"The connection to the {server} broke before it answered.", inner: e);
    }

    private HttpMessageInvoker GetProxyClient(AccountDefinition account, Secret proxy)
    {
        if (_proxied.TryGetValue(proxy, out var client)) return client;
        // Proxies that the fleet does not have any more accumulate. Removed pools are not disposed: exchanges may still use them,
        // and their idle connections close by timeout.
        if (_proxied.Count >= MaxProxyPools) _proxied.Clear();
        return _proxied.GetOrAdd(proxy, _ => new HttpMessageInvoker(
            new UpstreamSpans(UpstreamHandlers.New(UpstreamHandlers.ReadProxy(seal.Open(proxy), $"account '{account.Id}'")))));
    }
}

/// <summary>
/// Creates the handlers of all HTTP and WebSocket connections to upstreams, direct or through a proxy. They follow no redirects (a redirect would send the
/// token to another server), keep no cookies, and have no timeout except for connecting.
/// </summary>
internal static class UpstreamHandlers
{
    // A connection that takes longer fails as UpstreamUnavailable.
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Creates a handler with a connection pool of its own.</summary>
    /// <param name="proxy">The proxy (see <see cref="ReadProxy"/>); null for direct connections.</param>
    public static SocketsHttpHandler New(WebProxy? proxy) => new()
    {
        Proxy = proxy,
        UseProxy = proxy is not null,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectTimeout = ConnectTimeout,
        // Short enough to notice a changed DNS entry.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
        EnableMultipleHttp2Connections = true,
        // Closes the socket of an abandoned response at once, so that the upstream stops working on it.
        ResponseDrainTimeout = TimeSpan.Zero,
        // Upstreams receive no trace headers, except from UpstreamSpans.
        ActivityHeadersPropagator = null,
    };

    /// <summary>Whether a request failed before any part of it was sent.</summary>
    public static bool IsUnreached(Exception failure) => ErrorOf(failure) is HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError
        or HttpRequestError.SecureConnectionError or HttpRequestError.ProxyTunnelError or HttpRequestError.VersionNegotiationError
        or HttpRequestError.UserAuthenticationError;

    /// <summary>What failed, without addresses; <see cref="HttpRequestError.Unknown"/> for exceptions other than <see cref="HttpRequestException"/>.</summary>
    public static HttpRequestError ErrorOf(Exception failure) => (failure as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;

    /// <summary>Reads the address of a proxy, with credentials if it has them.</summary>
    /// <param name="text">
    /// An <c>http://</c>, <c>https://</c>, <c>socks4://</c>, <c>socks4a://</c> or <c>socks5://</c> address. <c>socks5h://</c> is the same as <c>socks5://</c>:
    /// the proxy always resolves host names.
    /// </param>
    /// <param name="whose">The owner of the proxy, for the error: <c>account 'a'</c>.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: the text is not such an address.</exception>
    public static WebProxy ReadProxy(string text, string whose)
    {
        text = text.Trim();
        if (text.StartsWith("socks5h://", StringComparison.OrdinalIgnoreCase)) text = "socks5" + text["socks5h".Length..];
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"))
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnavailable,
                $"The proxy of {whose} is not an http://, https://, socks4://, socks4a:// or socks5:// address. Correct it in the fleet file.");
        }
        var proxy = new WebProxy(new UriBuilder(address) { UserName = "", Password = "" }.Uri);
        if (address.UserInfo.Length > 0)
        {
            var user = address.UserInfo.Split(':', 2);
            proxy.Credentials = new NetworkCredential(Uri.UnescapeDataString(user[0]), user.Length > 1 ? Uri.UnescapeDataString(user[1]) : "");
        }
        return proxy;
    }
}
