using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Puts uploads where Coze can read them, once for each account. Coze keeps a file for three months, and shows it to the account that sent it alone.</summary>
internal sealed class CozeFiles(CozeClient client, IBlobStore blobs, TimeProvider time)
{
    private const int MaxKnown = 10_000;
    private static readonly TimeSpan KnownFor = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<(string AccountId, string BlobId), (string FileId, DateTimeOffset Until)> _known = [];

    /// <summary>Coze's id of the file, uploaded if this account has not sent it yet.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.FileRejected"/>; <see cref="ErrorCode.NotFound"/>: the blob has expired; or whatever kept it from being sent.
    /// </exception>
    public async Task<string> Upload(AccountDefinition account, BlobRef blob, CancellationToken cancellationToken)
    {
        var key = (account.Id, blob.Id);
        if (_known.TryGetValue(key, out var known) && time.GetUtcNow() < known.Until) return known.FileId;

        var answer = await client.Send(account, "/v1/files/upload", () => Form(blob), cancellationToken).ConfigureAwait(false);
        if (answer.Member("data"u8).Text("id"u8) is not { Length: > 0 } fileId)
            throw new ClusterException(ErrorCode.UpstreamProtocol, "Coze took a file without giving it an id.");
        if (_known.Count >= MaxKnown) Prune();
        _known[key] = (fileId, time.GetUtcNow() + KnownFor);
        return fileId;
    }

    private void Prune()
    {
        var now = time.GetUtcNow();
        foreach (var (key, file) in _known)
        {
            if (file.Until <= now) _known.TryRemove(key, out _);
        }
        if (_known.Count >= MaxKnown) _known.Clear();
    }

    // As browsers write it: some servers take neither the quoted boundary nor the encoded file names that .NET prefers.
    private MultipartFormDataContent Form(BlobRef blob)
    {
        var boundary = $"cozecluster-{Guid.NewGuid():n}";
        var file = new BlobContent(blobs, blob);
        file.Headers.TryAddWithoutValidation("Content-Disposition", $"form-data; name=\"file\"; filename=\"{Escape(blob.Name)}\"");
        file.Headers.ContentType = MediaTypeHeaderValue.TryParse(blob.ContentType, out var type) ? type : new MediaTypeHeaderValue("application/octet-stream");
        var form = new MultipartFormDataContent(boundary) { HeaderEncodingSelector = static (_, _) => Encoding.UTF8 };
        form.Headers.Remove("Content-Type");
        form.Headers.TryAddWithoutValidation("Content-Type", $"multipart/form-data; boundary={boundary}");
        ((MultipartContent)form).Add(file);
        return form;
    }

    private static string Escape(string name)
    {
        var clean = string.Concat(name.Where(c => !char.IsControl(c))).Replace("\"", "%22", StringComparison.Ordinal);
        return clean.Length == 0 ? "file" : clean;
    }

    /// <summary>Bytes of the blob store, opened anew each time they are sent.</summary>
    private sealed class BlobContent(IBlobStore blobs, BlobRef blob) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
        {
            var bytes = await blobs.Open(blob, cancellationToken).ConfigureAwait(false);
            await using (bytes.ConfigureAwait(false)) await bytes.CopyToAsync(stream, cancellationToken).ConfigureAwait(false);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = blob.Size;
            return true;
        }
    }
}
