using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Shared.Fetching;

/// <summary>
/// Fetches files from addresses that a bot chose. Each host name is resolved once, the resolved addresses are checked, and the connection is made to a checked
/// address. A name that resolves to another address a moment later therefore makes no difference.
/// </summary>
internal sealed class SafeFetcher : ISafeFetcher, IDisposable
{
    private const int MaxBytes = 20 * 1024 * 1024;
    private const int MaxRedirects = 3;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly HttpMessageInvoker _client;
    private readonly TimeProvider _time;
    private readonly bool _allowLoopback;

    /// <param name="time">The clock for the timeout.</param>
    /// <param name="allowLoopback">Whether loopback addresses are allowed too. Only for sandboxes.</param>
    public SafeFetcher(TimeProvider time, bool allowLoopback)
    {
        _time = time;
        _allowLoopback = allowLoopback;
        var handler = UpstreamHandlers.New(proxy: null);
        handler.ConnectCallback = Connect;
        _client = new HttpMessageInvoker(handler);
    }

    /// <inheritdoc />
    public async Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address)) throw Failure("Its URL is not valid.");
        using var timeout = new CancellationTokenSource(Timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            for (var redirects = 0; ; redirects++)
            {
                CheckUrl(address);
                using var request = new HttpRequestMessage(HttpMethod.Get, address);
                request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
                request.Headers.Accept.ParseAdd(mediaType.EndsWith('/') ? mediaType + "*" : "*/*");
                foreach (var encoding in HttpBody.Encodings) request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue(encoding));
                using var response = await _client.SendAsync(request, linked.Token).ConfigureAwait(false);
                if (GetRedirect(response) is not { } next) return await ReadFile(response, mediaType, linked.Token).ConfigureAwait(false);
                if (redirects == MaxRedirects) throw Failure($"Its server redirects more than {MaxRedirects} times.");
                address = new Uri(address, next);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw Failure($"It took longer than {Timeout.TotalSeconds:0} s.");
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException inner)
        {
            // Thrown by Connect.
            throw inner;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException or InvalidDataException)
        {
            throw Failure(UpstreamHandlers.IsUnreached(e) ? "Its server could not be reached." : "The connection to its server broke.", e);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client.Dispose();

    private static void CheckUrl(Uri address)
    {
        if (address.Scheme is not ("http" or "https")) throw Failure("Its URL does not begin with http:// or https://.");
        if (address.UserInfo.Length > 0) throw Failure("Its URL contains a user name.");
    }

    private async ValueTask<Stream> Connect(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var resolved = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken).ConfigureAwait(false);
        var addresses = Array.FindAll(resolved, IsAllowed);
        if (addresses.Length == 0) throw Failure("Its address is not a public one.");
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

    private bool IsAllowed(IPAddress address) => PublicAddresses.Contain(address) || (_allowLoopback && IPAddress.IsLoopback(address));

    private static Uri? GetRedirect(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found
        or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect ? response.Headers.Location : null;

    private static async Task<FetchedFile> ReadFile(HttpResponseMessage response, string mediaType, CancellationToken cancellationToken)
    {
        if (!response.IsSuccessStatusCode) throw Failure($"Its server answered with HTTP {(int)response.StatusCode}.");
        if (response.Content.Headers.ContentLength > MaxBytes) throw TooLarge();
        var type = response.Content.Headers.ContentType?.MediaType?.ToLowerInvariant() ?? "application/octet-stream";
        var isGeneric = type.EndsWith("/octet-stream", StringComparison.Ordinal);
        if (!isGeneric && !type.StartsWith(mediaType, StringComparison.Ordinal))
            throw Failure($"Its type is {UpstreamText.Clean(type)} and not {mediaType}*.");

        var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
        var content = await HttpBody.ReadUpTo(body, MaxBytes + 1, cancellationToken).ConfigureAwait(false);
        if (content.Length > MaxBytes) throw TooLarge();
        // Servers name the type that the file once had, or none.
        if (MediaTypes.Detect(content.Span) is { } detected) type = detected.Type;
        else if (LooksLikeMarkup(type, content.Span)) type = "text/html";
        if (!type.StartsWith(mediaType, StringComparison.Ordinal)) throw Failure($"Its type is {UpstreamText.Clean(type)} and not {mediaType}*.");
        return new FetchedFile(type, content);
    }

    // A page with an error, sent as an image.
    private static bool LooksLikeMarkup(string type, ReadOnlySpan<byte> content) =>
        type.StartsWith("image/", StringComparison.Ordinal) && type != "image/svg+xml" && content.TrimStart(" \t\r\n"u8) is [(byte)'<', ..];

    private static ClusterException TooLarge() => Failure($"It is larger than {MaxBytes / 1024 / 1024} MB.");

    private static ClusterException Failure(string reason, Exception? inner = null) =>
        new(ErrorCode.FetchFailed, $"A file of the reply could not be fetched: {reason}", inner: inner);
}
