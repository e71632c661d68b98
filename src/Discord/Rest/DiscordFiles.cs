using System.Net;
using System.Security.Authentication;

namespace CozeCluster.Discord;

/// <summary>
/// Downloads files of messages. Bots choose some of the addresses, so only those on Discord's own hosts are used, and on the host of the listener's
/// <c>base_url</c>, which the operator chose. Redirects are not followed, and the token is not sent. Thread-safe.
/// </summary>
internal sealed class DiscordFiles(HttpMessageInvoker http, DiscordRestOptions options, TimeProvider time)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);
    private static readonly string[] Hosts = ["cdn.discordapp.com", "media.discordapp.net"];

    private readonly Uri _base = new(options.BaseUrl);

    /// <inheritdoc cref="IDiscordApi.Download"/>
    public async Task<ReadOnlyMemory<byte>> Download(string url, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out var address) || !IsAllowed(address)) throw Failed("its address is not one of Discord's");
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        request.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        try
        {
            using var response = await http.SendAsync(request, ends.Token).ConfigureAwait(false);
            if (response.StatusCode != HttpStatusCode.OK) throw Failed($"Discord answered with HTTP {(int)response.StatusCode}");
            return await Read(await response.Content.ReadAsStreamAsync(ends.Token).ConfigureAwait(false), ends.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Failed("Discord did not answer", e);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> Read(Stream stream, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            if (content.Length + read > IDiscordApi.MaxFileBytes) throw Failed("it is too large");
            content.Write(buffer, 0, read);
        }
        return content.ToArray();
    }

    private static ClusterException Failed(string why, Exception? inner = null) =>
        new(ErrorCode.FetchFailed, $"A file of the reply could not be fetched from Discord: {why}.", inner: inner);

    private bool IsAllowed(Uri address)
    {
        if (address.Scheme == _base.Scheme && address.Authority == _base.Authority) return true;
        return address.Scheme == Uri.UriSchemeHttps && address.IsDefaultPort && Hosts.Contains(address.Host, StringComparer.OrdinalIgnoreCase);
    }
}
