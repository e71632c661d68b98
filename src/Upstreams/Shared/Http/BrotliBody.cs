using System.IO.Compression;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>
/// Unpacks a body in Brotli. .NET's stream reports damaged data as an <see cref="InvalidOperationException"/>, as if its caller had made the mistake. This one
/// throws an <see cref="InvalidDataException"/>, as the streams of the other compressions do.
/// </summary>
/// <param name="compressed">The body. It is disposed with this stream.</param>
internal sealed class BrotliBody(Stream compressed) : ConvertedBody(new BrotliStream(compressed, CompressionMode.Decompress))
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await Source.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidOperationException e) when (e is not ObjectDisposedException)
        {
            throw new InvalidDataException("The body is not valid Brotli.", e);
        }
    }
}
