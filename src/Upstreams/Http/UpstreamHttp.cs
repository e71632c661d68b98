using System.Collections.Concurrent;
using System.Security.Authentication;

namespace CozeCluster.Upstreams.Http;

/// <summary>
/// The connections of accounts: one pool for direct ones and one for each proxy (see <see cref="UpstreamHandlers"/>). Time-outs belong to the grains.
/// </summary>
internal sealed class UpstreamHttp(ISecretSeal seal) : IDisposable
{
    private const int MaxPools = 64;

    private readonly HttpMessageInvoker _direct = new(UpstreamHandlers.New(proxy: null));
    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _proxied = new(StringComparer.Ordinal);

    /// <summary>Sends a request and returns when its response's headers are in.</summary>
    /// <param name="account">Whose server and proxy it is.</param>
    /// <param name="request">The request.</param>
    /// <param name="whenBroken">The error if the connection breaks when the request may have arrived already.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamUnavailable"/>: nothing was sent; or <paramref name="whenBroken"/>.</exception>
    public async Task<HttpResponseMessage> Send(
        AccountDefinition account, HttpRequestMessage request, ErrorCode whenBroken, CancellationToken cancellationToken)
    {
        var client = account.Proxy is { } proxy ? Proxied(account, proxy) : _direct;
        try
        {
            return await client.SendAsync(request, cancellationToken).ConfigureAwait(false);
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException inner)
        {
            throw inner;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Explain(account, e, whenBroken);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _direct.Dispose();
        foreach (var client in _proxied.Values) client.Dispose();
    }

    private static ClusterException Explain(AccountDefinition account, Exception e, ErrorCode whenBroken)
    {
        var error = (e as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
        // The exception's own words may hold a proxy's address: they stay inside.
        return UpstreamHandlers.IsUnreached(e)
            ? new ClusterException(ErrorCode.UpstreamUnavailable, $"The {account.Upstream} server of account '{account.Id}' could not be reached ({error}).", inner: e)
            : new ClusterException(whenBroken, $"The connection to the {account.Upstream} server of account '{account.Id}' broke before it answered.", inner: e);
    }

    private HttpMessageInvoker Proxied(AccountDefinition account, Secret proxy)
    {
        if (_proxied.TryGetValue(proxy.Sealed, out var client)) return client;
        // A fleet imported again seals its proxies anew. Pools left behind close their idle connections by themselves; exchanges on them go on.
        if (_proxied.Count >= MaxPools) _proxied.Clear();
        return _proxied.GetOrAdd(proxy.Sealed, _ => new HttpMessageInvoker(UpstreamHandlers.New(UpstreamHandlers.ReadProxy(seal.Open(proxy), $"account '{account.Id}'"))));
    }
}
