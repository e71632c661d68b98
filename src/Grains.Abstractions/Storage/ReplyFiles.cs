using System.Security.Cryptography;

namespace CozeCluster;

/// <summary>
/// Files of replies that their upstream deletes soon, kept in the blob store. A client fetches one by its address, without a key: nobody can guess the address,
/// because the id of the blob depends on random bytes before the content. Other blobs do not have such bytes and cannot be fetched.
/// </summary>
public static class ReplyFiles
{
    /// <summary>The beginning of the path of all addresses. The id of the blob follows, and then the name.</summary>
    public const string PathPrefix = "/v1/attachments/";

    private const int SecretBytes = 32;

    private static ReadOnlySpan<byte> Mark => "CozeCluster reply file\n"u8;

    /// <summary>Keeps a file, for as long as the blob store keeps blobs.</summary>
    /// <returns>The path of its address at any gateway.</returns>
    public static async ValueTask<string> Keep(
        IBlobStore blobs, string tenantId, string name, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var stored = new byte[Mark.Length + SecretBytes + content.Length];
        Mark.CopyTo(stored);
        RandomNumberGenerator.Fill(stored.AsSpan(Mark.Length, SecretBytes));
        content.Span.CopyTo(stored.AsSpan(Mark.Length + SecretBytes));
        var blob = await blobs.Put(tenantId, name, "application/octet-stream", stored, cancellationToken).ConfigureAwait(false);
        return $"{PathPrefix}{blob.Id}/{Uri.EscapeDataString(blob.Name)}";
    }

    /// <summary>Opens a file.</summary>
    /// <returns>The content; null if there is no such file any more.</returns>
    public static async ValueTask<ReadOnlyMemory<byte>?> Open(IBlobStore blobs, string blobId, CancellationToken cancellationToken)
    {
        try
        {
            var stream = await blobs.Open(new BlobRef(blobId, "application/octet-stream", "file", 0), cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                // Of other blobs, which may be large, only the beginning is read.
                var mark = new byte[Mark.Length];
                var read = await stream.ReadAtLeastAsync(mark, mark.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                if (!mark.AsSpan(0, read).SequenceEqual(Mark)) return null;
                using var rest = new MemoryStream();
                await stream.CopyToAsync(rest, cancellationToken).ConfigureAwait(false);
                return rest.Length < SecretBytes ? null : rest.ToArray().AsMemory(SecretBytes);
            }
        }
        catch (ClusterException e) when (e.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>Reads the id of the blob from the path of an address; null if it is another path.</summary>
    public static string? FindBlobId(string path)
    {
        if (!path.StartsWith(PathPrefix, StringComparison.Ordinal)) return null;
        var end = path.IndexOf('/', PathPrefix.Length);
        return end > PathPrefix.Length ? path[PathPrefix.Length..end] : null;
    }
}
