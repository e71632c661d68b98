using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Coze;

/// <summary>Uploads files of clients to Coze, once for each account, because Coze shows a file only to the account that uploaded it.</summary>
internal sealed class CozeFiles(CozeClient client, IBlobStore blobs, TimeProvider time)
{
    private readonly ConcurrentDictionary<(string AccountId, string BlobId), (string FileId, DateTimeOffset Until)> _known = [];

    /// <summary>Returns Coze's id of a file. Uploads it if this account has not uploaded it within <see cref="CozeLimits.FileIdLifetime"/>.</summary>
    /// <exception cref="ClusterException">
    /// <see cref="ErrorCode.FileRejected"/>: Coze refused the file. <see cref="ErrorCode.NotFound"/>: the blob has expired. Other codes: the request failed.
    /// </exception>
    public async Task<string> Upload(AccountDefinition account, BlobRef blob, CancellationToken cancellationToken)
    {
        var key = (account.Id, blob.Id);
        if (_known.TryGetValue(key, out var known) && time.GetUtcNow() < known.Until) return known.FileId;

        var answer = await client.Send(account, "/v1/files/upload", () => CreateForm(blob), cancellationToken).ConfigureAwait(false);
        if (answer.GetMember("data"u8).GetText("id"u8) is not { Length: > 0 } fileId)
            throw new ClusterException(ErrorCode.UpstreamProtocol, "Coze accepted a file but did not return its id.");
        if (_known.Count >= CozeLimits.MaxKnownFiles) Prune();
        _known[key] = (fileId, time.GetUtcNow() + CozeLimits.FileIdLifetime);
        return fileId;
    }

    private void Prune()
    {
        var now = time.GetUtcNow();
        foreach (var (key, file) in _known)
        {
            if (file.Until <= now) _known.TryRemove(key, out _);
        }
        if (_known.Count >= CozeLimits.MaxKnownFiles) _known.Clear();
    }

    // Writes the form as browsers do: some servers accept neither the quoted boundary nor the encoded file names that .NET writes by default.
    private MultipartFormDataContent CreateForm(BlobRef blob)
    {
        var boundary = $"cozecluster-{Guid.NewGuid():n}";
        var file = new BlobContent(blobs, blob);
        file.Headers.TryAddWithoutValidation("Content-Disposition", $"form-data; name=\"file\"; filename=\"{EscapeFileName(blob.Name)}\"");
        file.Headers.ContentType = MediaTypeHeaderValue.TryParse(blob.ContentType, out var type) ? type : new MediaTypeHeaderValue("application/octet-stream");
        var form = new MultipartFormDataContent(boundary) { HeaderEncodingSelector = static (_, _) => Encoding.UTF8 };
        form.Headers.Remove("Content-Type");
        form.Headers.TryAddWithoutValidation("Content-Type", $"multipart/form-data; boundary={boundary}");
        ((MultipartContent)form).Add(file);
        return form;
    }

    private static string EscapeFileName(string name)
    {
        var clean = string.Concat(name.Where(c => !char.IsControl(c))).Replace("\"", "%22", StringComparison.Ordinal);
        return clean.Length == 0 ? "file" : clean;
    }

    /// <summary>The bytes of a blob. Opens the blob each time the content is sent.</summary>
    private sealed class BlobContent(IBlobStore blobs, BlobRef blob) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            SerializeToStreamAsync(stream, context, CancellationToken.None);

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
