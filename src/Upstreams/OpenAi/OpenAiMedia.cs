using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Prompts;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Loads the images and files of a prompt whose bytes have to be in the request.</summary>
internal sealed class OpenAiMedia(IBlobStore blobs, ISafeFetcher fetcher, ILogger logger)
{
    /// <summary>Loads the bytes of all media that a request contains as data.</summary>
    /// <returns>The media by their parts. A part of the history whose bytes are not stored any more, or do not fit, is missing.</returns>
    /// <exception cref="ClusterException">A part of the newest prompt could not be read, or is too large.</exception>
    public async ValueTask<IReadOnlyDictionary<ContentPart, LoadedMedia>> Load(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        Dictionary<ContentPart, LoadedMedia>? loaded = null;
        var room = OpenAiLimits.MaxMedia;
        var firstNew = PromptHistory.FirstNew(turn);
        for (var i = turn.Messages.Count - 1; i >= 0; i--)
        {
            var message = turn.Messages[i];
            if (message.Role != ChatRole.User) continue;
            foreach (var part in message.Content)
            {
                if (PromptHistory.SourceOf(part) is not { } source || (part is ImageContent && source.Blob is null)) continue;
                if (loaded?.ContainsKey(part) == true) continue;
                try
                {
                    if (source.Blob?.Size > room) throw TooLarge();
                    var media = await Read(source, cancellationToken).ConfigureAwait(false);
                    if ((room -= media.Bytes.Length) < 0) throw TooLarge();
                    (loaded ??= [])[part] = media;
                }
                catch (ClusterException) when (i < firstNew)
                {
                    logger.AttachmentLeftOut(turn.TurnId);
                }
            }
        }
        return loaded ?? (IReadOnlyDictionary<ContentPart, LoadedMedia>)new Dictionary<ContentPart, LoadedMedia>();
    }

    private async Task<LoadedMedia> Read(MediaSource source, CancellationToken cancellationToken)
    {
        if (source.Blob is { } blob)
        {
            var stream = await blobs.Open(blob, cancellationToken).ConfigureAwait(false);
            await using (stream.ConfigureAwait(false))
            {
                var bytes = await HttpBody.ReadUpTo(stream, (int)Math.Min(OpenAiLimits.MaxMedia, blob.Size + 1), cancellationToken).ConfigureAwait(false);
                return new LoadedMedia(blob.Name, blob.ContentType, bytes);
            }
        }
        // The API takes addresses of images only.
        var file = await fetcher.Fetch(source.Url!, "", cancellationToken).ConfigureAwait(false);
        var name = Uri.TryCreate(source.Url, UriKind.Absolute, out var address) ? BlobName.Sanitize(Uri.UnescapeDataString(address.AbsolutePath)) : "file";
        return new LoadedMedia(name, file.MediaType, file.Content);
    }

    private static ClusterException TooLarge() =>
        new(ErrorCode.FileRejected, $"The images and files of a request may have {OpenAiLimits.MaxMedia / 1024 / 1024} MB in total.", "messages");
}

/// <summary>The bytes of an image or a file.</summary>
/// <param name="Name">The file name.</param>
/// <param name="ContentType">The media type.</param>
/// <param name="Bytes">The bytes.</param>
internal sealed record LoadedMedia(string Name, string ContentType, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The bytes as a data URI.</summary>
    public string ToDataUri() => $"data:{ContentType};base64,{Convert.ToBase64String(Bytes.Span)}";
}
