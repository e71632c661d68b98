using System.Collections.Concurrent;
using System.Text;

namespace CozeCluster.Gateway.Tests.Fakes;

/// <summary>Keeps stored blobs in memory.</summary>
public sealed class FakeBlobs : IBlobStore
{
    public ConcurrentQueue<(BlobRef Ref, byte[] Bytes)> Stored { get; } = new();

    public ValueTask<BlobRef> Put(string tenantId, string name, string contentType, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        var blob = new BlobRef("blob" + Stored.Count, contentType, name, content.Length);
        Stored.Enqueue((blob, content.ToArray()));
        return new(blob);
    }

    public ValueTask<Stream> Open(BlobRef blob, CancellationToken cancellationToken) => throw new NotSupportedException();
}

/// <summary>Returns the URL itself as the content of each file.</summary>
public sealed class FakeFetcher : ISafeFetcher
{
    public ConcurrentQueue<string> Fetched { get; } = new();

    /// <summary>URLs that cannot be fetched.</summary>
    public HashSet<string> Broken { get; } = [];

    public Task<FetchedFile> Fetch(string url, string mediaType, CancellationToken cancellationToken)
    {
        Fetched.Enqueue($"{mediaType} {url}");
        return Broken.Contains(url)
            ? Task.FromException<FetchedFile>(new ClusterException(ErrorCode.FetchFailed, "A file of the reply could not be fetched: it does not exist."))
            : Task.FromResult(new FetchedFile("image/png", Encoding.UTF8.GetBytes(url)));
    }
}
