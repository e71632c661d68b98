using System.Collections.Concurrent;
using CozeCluster.Sandbox.Coze.Wire;

namespace CozeCluster.Sandbox.Coze.Files;

/// <summary>An uploaded file: the record, whose it is, and a fingerprint of its bytes (the bytes themselves are not kept).</summary>
internal sealed record StoredFile(FileObject Wire, string Account, string Sha256);

internal sealed class FileStore
{
    private readonly ConcurrentDictionary<string, StoredFile> _files = new(StringComparer.Ordinal);

    public void Add(StoredFile file) => _files[file.Wire.Id] = file;

    /// <summary>A file of the account, or null.</summary>
    public StoredFile? Find(string id, string account) =>
        _files.TryGetValue(id, out var file) && file.Account == account ? file : null;

    public void Reset() => _files.Clear();
}
