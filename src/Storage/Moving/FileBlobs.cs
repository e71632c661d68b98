using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace CozeCluster.Storage;

/// <summary>Reads and writes the files of a <see cref="FileBlobStore"/> as <see cref="StoredRow"/>s.</summary>
internal static class FileBlobs
{
    /// <summary>Reads the blobs of a directory, ordered by id. A blob that is deleted meanwhile is skipped.</summary>
    /// <param name="directory">The folder of the blobs; it may be missing.</param>
    /// <param name="now">Blobs that have expired at this time are skipped.</param>
    /// <param name="damaged">Receives the ids of blobs whose content does not match their id. They are skipped too.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    public static async IAsyncEnumerable<StoredRow> ReadAsync(
        string directory, DateTimeOffset now, List<string> damaged, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!Directory.Exists(directory)) yield break;
        foreach (var folder in new DirectoryInfo(directory).GetDirectories().OrderBy(folder => folder.Name, StringComparer.Ordinal))
        {
            foreach (var file in folder.GetFiles().OrderBy(file => file.Name, StringComparer.Ordinal))
            {
                var id = $"{folder.Name}.{file.Name}";
                if (!FileBlobStore.IsBlobId(id) || file.LastWriteTimeUtc <= now.UtcDateTime) continue;
                if (await ReadContentAsync(file.FullName, cancellationToken).ConfigureAwait(false) is not { } content) continue;
                if (IsContentOf(id, content)) yield return new(RowKind.Blob, [id, new DateTimeOffset(file.LastWriteTimeUtc).ToUnixTimeMilliseconds(), content]);
                else damaged.Add(id);
            }
        }
    }

    /// <summary>Writes a blob.</summary>
    public static async Task WriteAsync(string directory, StoredRow row, CancellationToken cancellationToken)
    {
        var id = (string)row["id"]!;
        if (!FileBlobStore.IsBlobId(id)) throw new InvalidDataException($"{id} is not the id of a blob.");
        var path = Path.Combine(directory, id[..GrainKeys.HashLength], id[(GrainKeys.HashLength + 1)..]);
        DataFolder.CreateFolder(Path.GetDirectoryName(path)!);
        var file = new FileStream(path, DataFolder.OpenOptions(FileMode.Create));
        await using (file.ConfigureAwait(false)) await file.WriteAsync((byte[])row["content"]!, cancellationToken).ConfigureAwait(false);
        File.SetLastWriteTimeUtc(path, DateTimeOffset.FromUnixTimeMilliseconds((long)row["expires_at"]!).UtcDateTime);
    }

    /// <summary>Whether the hash of a content is part of a blob's id.</summary>
    public static bool IsContentOf(string id, ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, hash);
        return id.EndsWith("." + GrainKeys.Encode(hash[..16]), StringComparison.Ordinal);
    }

    private static async Task<byte[]?> ReadContentAsync(string path, CancellationToken cancellationToken)
    {
        try
        {
            return await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
