using System.IO.Compression;

namespace CozeCluster.Upstreams.Http;

/// <summary>Bodies of responses, unpacked.</summary>
internal static class HttpBody
{
    /// <summary>What <see cref="Open"/> can unpack, as <c>Accept-Encoding</c> says it.</summary>
    public static readonly string[] Encodings = ["gzip", "deflate", "br"];

    /// <summary>The body; one that came compressed, asked for or not, is unpacked on the way.</summary>
    public static async Task<Stream> Open(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        foreach (var encoding in response.Content.Headers.ContentEncoding.Reverse())
        {
            body = encoding.ToLowerInvariant() switch
            {
                "gzip" or "x-gzip" => new GZipStream(body, CompressionMode.Decompress),
                "deflate" => new ZLibStream(body, CompressionMode.Decompress),
                "br" => new BrotliStream(body, CompressionMode.Decompress),
                _ => body,
            };
        }
        return body;
    }
}
