using System.IO.Compression;
using System.Net.Http.Headers;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>Reads the bodies of responses.</summary>
internal static class HttpBody
{
    /// <summary>The compressions that <see cref="Open"/> unpacks, as values of <c>Accept-Encoding</c>.</summary>
    public static readonly string[] Encodings = ["gzip", "deflate", "br"];

    /// <summary>Opens the body. Unpacks a compressed body even if the request did not ask for compression.</summary>
    public static async Task<Stream> Open(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        foreach (var encoding in response.Content.Headers.ContentEncoding.Reverse())
        {
            body = encoding.ToLowerInvariant() switch
            {
                "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress),
                "deflate" => new ZLibStream(body, CompressionMode.Decompress),
                "br" => new BrotliBody(body),
                _ => body,
            };
        }
        return body;
    }

    /// <inheritdoc cref="ReadUpTo(Stream,ReadOnlyMemory{byte},int,CancellationToken)"/>
    public static Task<ReadOnlyMemory<byte>> ReadUpTo(Stream body, int limit, CancellationToken cancellationToken) =>
        ReadUpTo(body, prefix: default, limit, cancellationToken);

    /// <summary>Reads to the end, or until at least <paramref name="limit"/> bytes have been read.</summary>
    /// <param name="body">The rest of the body.</param>
    /// <param name="prefix">The bytes that have already been read; the result begins with them.</param>
    /// <param name="limit">The number of bytes at which reading stops. The result may be up to 16 KiB longer.</param>
    /// <param name="cancellationToken">Cancels reading.</param>
    public static async Task<ReadOnlyMemory<byte>> ReadUpTo(Stream body, ReadOnlyMemory<byte> prefix, int limit, CancellationToken cancellationToken)
    {
        using var content = new MemoryStream();
        content.Write(prefix.Span);
        var buffer = new byte[16 * 1024];
        while (content.Length < limit && await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
            content.Write(buffer, 0, read);
        return content.GetBuffer().AsMemory(0, (int)content.Length);
    }
}

/// <summary>Reads the <c>Retry-After</c> header.</summary>
internal static class RetryAfter
{
    /// <summary>The time that the header names, at most one day from now; null without the header.</summary>
    public static DateTimeOffset? Parse(HttpResponseHeaders headers, TimeProvider time)
    {
        var now = time.GetUtcNow();
        var wait = headers.RetryAfter is { Delta: { } delta } ? delta : headers.RetryAfter?.Date - now;
        return wait is { } given ? now + TimeSpan.FromTicks(Math.Clamp(given.Ticks, 0, TimeSpan.TicksPerDay)) : null;
    }
}
