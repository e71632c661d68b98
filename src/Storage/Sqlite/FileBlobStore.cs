using System.Security.Cryptography;

namespace CozeCluster.Storage;

/// <summary>
/// Blobs as files: a folder per tenant, a file per content, both named by hash. The time of a file is when it expires. A picture that a client sends again with
/// every turn is one blob, and has been uploaded to the upstream already.
/// </summary>
internal sealed class FileBlobStore(string directory, TimeSpan lifetime, TimeProvider time) : IBlobStore
{
    /// <summary>Its directory inside the data directory.</summary>
    public const string FolderName = "blobs";

    private const string Partial = ".part";

    public async ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var folder = GrainKeys.Hash("blobs", tenantId);
        var id = folder + "." + GrainKeys.Encode(SHA256.HashData(content.Span).AsSpan(0, 16));
        Directory.CreateDirectory(Path.Combine(directory, folder));
        var path = PathOf(id)!;
        var partial = $"{path}.{Guid.NewGuid():n}{Partial}";
        try
        {
            await File.WriteAllBytesAsync(partial, content, cancellationToken).ConfigureAwait(false);
            File.SetLastWriteTimeUtc(partial, (time.GetUtcNow() + lifetime).UtcDateTime);
            File.Move(partial, path, overwrite: true);
        }
        catch
        {
            File.Delete(partial);
            throw;
        }
        return new BlobRef(id, contentType, BlobName.Sanitize(name), content.Length);
    }

    public ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (PathOf(blob.Id) is { } path)
        {
            try
            {
                if (File.GetLastWriteTimeUtc(path) > time.GetUtcNow().UtcDateTime)
                    return new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0, useAsync: true));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // Housekeeping deleted it in between.
            }
        }
        throw new ClusterException(ErrorCode.NotFound, $"The file {blob.Name} has expired. Upload it again.");
    }

    /// <summary>Deletes what has expired.</summary>
    public void Sweep(CancellationToken cancellationToken = default)
    {
        if (!Directory.Exists(directory)) return;
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            // A file that is still being written has the time of its last write, not the time it expires.
            file.Refresh();
            var expires = file.Name.EndsWith(Partial, StringComparison.Ordinal) ? file.LastWriteTimeUtc + lifetime : file.LastWriteTimeUtc;
            if (expires <= now) file.Delete();
        }
    }

    /// <summary>Every blob of a directory, one after another, expired ones included.</summary>
    public static IEnumerable<MovedBlob> ReadAll(string directory)
    {
        if (!Directory.Exists(directory)) yield break;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            var id = $"{file.Directory!.Name}.{file.Name}";
            if (IsId(id)) yield return new MovedBlob(id, file.LastWriteTimeUtc, file.OpenRead);
        }
    }

    /// <summary>The file of an id; null if it is not an id that this store makes, so that no id leads out of the directory.</summary>
    private string? PathOf(string id)
    {
        if (!IsId(id)) return null;
        return Path.Combine(directory, id[..GrainKeys.HashLength], id[(GrainKeys.HashLength + 1)..]);
    }

    private static bool IsId(string id)
    {
        const int length = GrainKeys.HashLength;
        return id.Length == 2 * length + 1 && id[length] == '.'
            && !id.AsSpan(0, length).ContainsAnyExcept(GrainKeys.HashAlphabet) && !id.AsSpan(length + 1).ContainsAnyExcept(GrainKeys.HashAlphabet);
    }
}
