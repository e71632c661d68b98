using System.Security.Cryptography;

namespace CozeCluster.Storage;

/// <summary>
/// Stores blobs as files: a folder for each tenant and a file for each content, both named by hash. The last write time of a file is the time when it expires.
/// A picture that a client sends again with every turn is one blob, which has been uploaded to the upstream already.
/// </summary>
internal sealed class FileBlobStore(string directory, TimeSpan lifetime, TimeProvider time) : IBlobStore
{
    /// <summary>The folder of the blobs in the data directory.</summary>
    public const string FolderName = "blobs";

    private const string PartialSuffix = ".part";

    public async ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var folder = GrainKeys.Hash("blobs", tenantId);
        var id = folder + "." + GrainKeys.Encode(SHA256.HashData(content.Span).AsSpan(0, 16));
        DataFolder.CreateFolder(Path.Combine(directory, folder));
        var path = GetPath(id)!;
        var partial = $"{path}.{Guid.NewGuid():n}{PartialSuffix}";
        try
        {
            var file = new FileStream(partial, DataFolder.OpenOptions(FileMode.CreateNew));
            await using (file.ConfigureAwait(false)) await file.WriteAsync(content, cancellationToken).ConfigureAwait(false);
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
        if (GetPath(blob.Id) is { } path)
        {
            try
            {
                if (File.GetLastWriteTimeUtc(path) > time.GetUtcNow().UtcDateTime)
                    return new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 0, useAsync: true));
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                // The file expired and was deleted meanwhile.
            }
        }
        throw new ClusterException(ErrorCode.NotFound, $"The file {blob.Name} has expired. Upload it again.");
    }

    /// <summary>Deletes expired files, and those of uploads that were not finished.</summary>
    public void DeleteExpired(CancellationToken cancellationToken = default)
    {
        if (!Directory.Exists(directory)) return;
        var now = time.GetUtcNow().UtcDateTime;
        foreach (var file in new DirectoryInfo(directory).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            cancellationToken.ThrowIfCancellationRequested();
            file.Refresh();
            // While a file is written, its time is that of the last write and not yet the time when it expires.
            var expiresAt = file.Name.EndsWith(PartialSuffix, StringComparison.Ordinal) ? file.LastWriteTimeUtc + lifetime : file.LastWriteTimeUtc;
            if (expiresAt <= now) file.Delete();
        }
    }

    /// <summary>The file of a blob. Null for an id that this store cannot have created: such an id could lead out of the directory.</summary>
    private string? GetPath(string id)
    {
        if (!IsBlobId(id)) return null;
        return Path.Combine(directory, id[..GrainKeys.HashLength], id[(GrainKeys.HashLength + 1)..]);
    }

    /// <summary>Whether this store can have created an id.</summary>
    public static bool IsBlobId(string id)
    {
        const int length = GrainKeys.HashLength;
        return id.Length == 2 * length + 1 && id[length] == '.'
            && !id.AsSpan(0, length).ContainsAnyExcept(GrainKeys.HashAlphabet) && !id.AsSpan(length + 1).ContainsAnyExcept(GrainKeys.HashAlphabet);
    }
}
