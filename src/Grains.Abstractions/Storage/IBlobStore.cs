namespace CozeCluster;

/// <summary>Stores bytes that are too big for messages: uploads and images. Thread-safe.</summary>
public interface IBlobStore
{
    /// <summary>Stores a copy of <paramref name="content"/> for at least an hour.</summary>
    /// <param name="tenantId">The owner.</param>
    /// <param name="name">The file name as the client gave it. The reference contains it sanitized; see <see cref="BlobName.Sanitize"/>.</param>
    /// <param name="contentType">The media type.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="cancellationToken">Cancels the operation. Nothing is stored then.</param>
    ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken);

    /// <summary>Opens the bytes for reading.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.NotFound"/>: the blob has expired.</exception>
    ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken);
}

/// <summary>Names of blobs.</summary>
public static class BlobName
{
    private const int MaxLength = 100;

    /// <summary>
    /// Sanitizes a file name that a client gave: removes the path, control characters and characters that file systems do not allow, and keeps the last 100
    /// characters. Returns <c>file</c> if nothing is left.
    /// </summary>
    public static string Sanitize(string name)
    {
        var last = name.AsSpan()[(name.LastIndexOfAny(['/', '\\']) + 1)..];
        var clean = new string([.. last.ToString().Where(c => !char.IsControl(c) && !"<>:\"|?*".Contains(c))]).Trim(' ', '.');
        if (clean.Length > MaxLength) clean = clean[^MaxLength..];
        return clean.Length == 0 ? "file" : clean;
    }
}
