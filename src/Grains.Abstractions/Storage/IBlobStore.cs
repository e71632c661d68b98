namespace CozeCluster;

/// <summary>Bytes too big for messages: uploads and images. Thread-safe.</summary>
public interface IBlobStore
{
    /// <summary>Keeps a copy of <paramref name="content"/> for at least an hour.</summary>
    /// <param name="tenantId">Whose it is.</param>
    /// <param name="name">File name as the client gave it; the reference holds it without path or control characters.</param>
    /// <param name="contentType">Media type.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="cancellationToken">Gives up; nothing is kept.</param>
    ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Opens the bytes for reading.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.NotFound"/>: expired.</exception>
    ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken);
}
