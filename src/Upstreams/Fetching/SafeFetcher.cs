using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using CozeCluster.Upstreams.Http;

namespace CozeCluster.Upstreams.Fetching;

/// <summary>
/// Fetches files over connections that are made to checked addresses: a name is resolved once, and what it resolved to is what is connected to, so a name that
/// resolves differently a moment later gains nothing.
/// </summary>
internal sealed class SafeFetcher : ISafeFetcher, IDisposable
{
    private const int MaxBytes = 20 * 1024 * 1024;
    private const int MaxRedirects = 3;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpMessageInvoker _client;
    private readonly TimeProvider _time;
    private readonly bool _allowThisMachine;

    /// <param name="time">The clock.</param>
    /// <param name="allowThisMachine">Whether loopback addresses are fine too: for the sandbox.</param>
    public SafeFetcher(TimeProvider time, bool allowThisMachine)
    {
        _time = time;
        _allowThisMachine = allowThisMachine;
        var handler = UpstreamHandlers.New(proxy: null, DecompressionMethods.All);
        handler.ConnectCallback = Connect;
        _client = new HttpMessageInvoker(handler);
    }

    /// <inheritdoc />
    public async Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) throw Failed("It has no valid address.");
        using var timeout = new CancellationTokenSource(Timeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            for (var redirects = 0; ; redirects++)
            {
                Check(address);
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.UserAgent.Add(new ProductInfoHeaderValue("CozeCluster", productVersion: null));
                request.Headers.Accept.ParseAdd(mediaType.EndsWith('/') ? mediaType + "*" : "*/*");
                using var response = await _client.SendAsync(request, either.Token).ConfigureAwait(false);
                if (Redirect(response) is not { } next) return await Read(response, mediaType, either.Token).ConfigureAwait(false);
                if (redirects == MaxRedirects) throw Failed("Its server redirects too often.");
                address = new Uri(address, next);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failed($"It took longer than {Timeout.TotalSeconds:0} s.");
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException inner)
        {
            throw inner;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException or InvalidDataException)
        {
            throw Failed(UpstreamHandlers.IsUnreached(e) ? "Its server could not be reached." : "The connection to its server broke.", e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client.Dispose();

    private static void Check(Uri address)
    {
        if (address.Scheme is not ("http" or "https")) throw Failed("Its address is not one of http or https.");
        if (address.UserInfo.Length > 0) throw Failed("Its address holds a user name.");
    }

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var resolved = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        var addresses = Array.FindAll(resolved, IsAllowed);
        if (addresses.Length == 0) throw Failed("Its address is not a public one.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private bool IsAllowed(IPAddress address) => PublicAddresses.Contain(address) || (_allowThisMachine && IPAddress.IsLoopback(address));

    private static Uri? Redirect(HttpResponseMessage response) =>
        response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
            ? response.Headers.Location : null;

    private static async Task<FetchedFile> Read(HttpResponseMessage response, string mediaType, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode) throw Failed($"Its server answers with HTTP {(int)response.StatusCode}.");
        if (response.Content.Headers.ContentLength > MaxBytes) throw TooLarge();
        var named = response.Content.Headers.ContentType?.MediaType?.ToLowerInvariant() ?? "application/octet-stream";
        var isUnnamed = named.EndsWith("/octet-stream", StringComparison.Ordinal);
        if (!isUnnamed && !named.StartsWith(mediaType, StringComparison.Ordinal)) throw Failed($"It is not {mediaType}*, but {UpstreamText.Clean(named)}.");

        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            content.Write(buffer, 0, read);
            if (content.Length > MaxBytes) throw TooLarge();
        }
        var bytes = content.GetBuffer().AsMemory(0, (int)content.Length);
        if (isUnnamed && mediaType.Length > 0) named = ImageType.Of(bytes.Span) is { } found && found.StartsWith(mediaType, StringComparison.Ordinal) ? found : throw Failed($"It is not {mediaType}*.");
        return new FetchedFile(named, bytes);
    }

    private static ClusterException TooLarge() => Failed($"It is larger than {MaxBytes / 1024 / 1024} MB.");

    private static ClusterException Failed(string why, Exception? inner = null) => new(ErrorCode.FetchFailed, $"A file of the reply could not be fetched: {why}", inner: inner);
}
