using System.Text.Unicode;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Prompts;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>An image or file as a prompt contains it.</summary>
/// <param name="MediaType">The media type.</param>
/// <param name="Content">The bytes.</param>
internal sealed record GeminiFile(string MediaType, ReadOnlyMemory<byte> Content);

/// <summary>
/// Loads the images and files of one prompt. The API takes bytes and not arbitrary URLs, so a file with a URL is fetched. Each is loaded once, even if the
/// prompt has it more than once. Media types are recognised by the first bytes, because clients often name another one, and the API refuses a wrong one. Text
/// of any kind that the API does not know (JSON, source code) is <c>text/plain</c>.
/// </summary>
internal sealed class GeminiMedia(IBlobStore blobs, ISafeFetcher fetcher, ILogger logger)
{
    private readonly Dictionary<string, GeminiFile> _known = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Message, int Part), GeminiFile> _files = [];
    private long _size;
    private int _fetches;

    /// <summary>Loads all files of a prompt, the newest first. Files of the history that cannot be loaded or do not fit are left out.</summary>
    /// <exception cref="ClusterException">
    /// In a new message. <see cref="ErrorCode.FileRejected"/>: a file cannot be fetched, or the files are too large. <see cref="ErrorCode.NotFound"/>: an
    /// upload has expired. <see cref="ErrorCode.InvalidRequest"/>: a part has no source.
    /// </exception>
    public async ValueTask Load(UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var firstNew = PromptHistory.FirstNew(turn);
        for (var i = turn.Messages.Count - 1; i >= 0; i--)
        {
            // Instructions are sent as text.
            if (turn.Messages[i].Role == ChatRole.System) continue;
            var content = turn.Messages[i].Content;
            for (var j = 0; j < content.Count; j++)
            {
                if (content[j] is TextContent) continue;
                try
                {
                    _files[(i, j)] = await Load(content[j], $"messages[{i}].content[{j}]", cancellationToken).ConfigureAwait(false);
                }
                catch (ClusterException) when (i < firstNew)
                {
                    logger.AttachmentLeftOut(turn.TurnId);
                }
            }
        }
    }

    /// <summary>The file of a part; null if it was left out.</summary>
    public GeminiFile? Find(int message, int part) => _files.GetValueOrDefault((message, part));

    private async ValueTask<GeminiFile> Load(ContentPart part, string param, CancellationToken cancellationToken)
    {
        var source = PromptHistory.SourceOf(part);
        var key = source switch
        {
            { Blob: { } blob } => $"blob {blob.Id}",
            { Url: { Length: > 0 } url } => $"url {url}",
            _ => throw new ClusterException(ErrorCode.InvalidRequest, "An image or file needs a URL or content.", param),
        };
        if (!_known.TryGetValue(key, out var known))
        {
            known = source.Blob is { } blob
                ? await Read(blob, param, cancellationToken).ConfigureAwait(false)
                : await Fetch(source.Url!, part, param, cancellationToken).ConfigureAwait(false);
            _known[key] = known;
        }
        // Repeated files count again: each is sent again.
        if (_size + known.Content.Length > GeminiLimits.MaxMediaBytes) throw TooLarge(param);
        _size += known.Content.Length;
        return known;
    }

    private async Task<GeminiFile> Read(BlobRef blob, string param, CancellationToken cancellationToken)
    {
        if (blob.Size > GeminiLimits.MaxMediaBytes) throw TooLarge(param);
        var stream = await blobs.Open(blob, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var content = await HttpBody.ReadUpTo(stream, GeminiLimits.MaxMediaBytes + 1, cancellationToken).ConfigureAwait(false);
            return new GeminiFile(TypeOf(blob.ContentType, content.Span), content);
        }
    }

    private async Task<GeminiFile> Fetch(string url, ContentPart part, string param, CancellationToken cancellationToken)
    {
        if (++_fetches > GeminiLimits.MaxFetches)
            throw new ClusterException(ErrorCode.FileRejected, $"A prompt can have at most {GeminiLimits.MaxFetches} files with a URL.", param);
        try
        {
            var file = await fetcher.Fetch(url, part is ImageContent ? "image/" : "", cancellationToken).ConfigureAwait(false);
            return new GeminiFile(TypeOf(file.MediaType, file.Content.Span), file.Content);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.FetchFailed)
        {
            // The fetcher speaks of a reply. Here the client has chosen the address, so the fault is not the upstream's.
            var reason = e.Message[(e.Message.IndexOf(": ", StringComparison.Ordinal) + 1)..].Trim();
            throw new ClusterException(ErrorCode.FileRejected, $"A file of the prompt could not be fetched: {reason}", param, inner: e);
        }
    }

    private static string TypeOf(string given, ReadOnlySpan<byte> content)
    {
        if (MediaTypes.Detect(content) is { } detected) return detected.Type;
        var end = given.IndexOf(';', StringComparison.Ordinal);
        var type = (end < 0 ? given : given[..end]).Trim().ToLowerInvariant();
        if (type.StartsWith("text/", StringComparison.Ordinal) || type.StartsWith("image/", StringComparison.Ordinal)
            || type.StartsWith("audio/", StringComparison.Ordinal) || type.StartsWith("video/", StringComparison.Ordinal)) return type;
        return Utf8.IsValid(content) && !content.Contains((byte)0) ? "text/plain" : type.Length > 0 ? type : "application/octet-stream";
    }

    private static ClusterException TooLarge(string param) => new(
        ErrorCode.FileRejected, $"The images and files of a prompt can have at most {GeminiLimits.MaxMediaBytes / 1024 / 1024} MB together.", param);
}
