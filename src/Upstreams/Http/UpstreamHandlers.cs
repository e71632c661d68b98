using System.Net;

namespace CozeCluster.Upstreams.Http;

/// <summary>
/// The one way to make HTTP and WebSocket connections to far sides, direct or through a proxy. No redirects are followed (a redirect would carry the token elsewhere),
/// no cookies kept, and there are no time-outs but for connecting.
/// </summary>
internal static class UpstreamHandlers
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A pool of connections.</summary>
    /// <param name="proxy">See <see cref="ReadProxy"/>; null: direct.</param>
    /// <param name="compression">What the far side may compress with. None for event streams: whoever compresses them holds them back.</param>
    public static SocketsHttpHandler New(WebProxy? proxy, DecompressionMethods compression = DecompressionMethods.None) => new()
    {
        Proxy = proxy,
        UseProxy = proxy is not null,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = compression,
        ConnectTimeout = ConnectTimeout,
        // Often enough to follow a change of address.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
        EnableMultipleHttp2Connections = true,
        // A response given up is given up at once: its far side stops working when the socket closes.
        ResponseDrainTimeout = TimeSpan.Zero,
        // No trace headers to strangers.
        ActivityHeadersPropagator = null,
    };

    /// <summary>Whether a request failed before anything of it was sent.</summary>
    public static bool IsUnreached(Exception failure) => failure is HttpRequestException
    {
        HttpRequestError: HttpRequestError.NameResolutionError or HttpRequestError.ConnectionError or HttpRequestError.SecureConnectionError
            or HttpRequestError.ProxyTunnelError or HttpRequestError.VersionNegotiationError or HttpRequestError.UserAuthenticationError,
    };

    /// <summary>Reads a proxy's address, with credentials if it needs them.</summary>
    /// <param name="text"><c>http://</c>, <c>https://</c>, <c>socks4://</c>, <c>socks4a://</c> or <c>socks5://</c> (<c>socks5h://</c> is the same: names are always resolved by the proxy).</param>
    /// <param name="whose">For the error: <c>account 'a'</c>.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: it is no such address.</exception>
    public static WebProxy ReadProxy(string text, string whose)
    {
        text = text.Trim();
        if (text.StartsWith("socks5h://", StringComparison.OrdinalIgnoreCase)) text = "socks5" + text["socks5h".Length..];
        if (!Uri.TryCreate(text, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https" or "socks4" or "socks4a" or "socks5"))
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnavailable, $"The proxy of {whose} is not an http://, https://, socks4://, socks4a:// or socks5:// address.");
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
