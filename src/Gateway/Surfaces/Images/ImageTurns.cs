using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Chat;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Images;

/// <summary>Runs turns that draw, for every surface that has images, and loads what they have drawn.</summary>
internal sealed class ImageTurns(TurnStarter turns, ISafeFetcher fetcher, IBlobStore blobs, TimeProvider time)
{
    private const int MaxQuoteLength = 500;

    /// <summary>Runs one turn to its end.</summary>
    /// <returns>The reply. It has no images only if the client disconnected.</returns>
    /// <exception cref="ClusterException">The turn failed, or its reply has no image.</exception>
    public async Task<ImageReply> Run(HttpContext context, ChatRequest chat, TurnHeaders headers)
    {
        await using var turn = await turns.Start(RequestInfo.KeyOf(context), chat, headers, context.RequestAborted);
        var addresses = ReplyAddresses.Of(context);
        if (await ReplyContent.ReadToEnd(turn.Reader, addresses, time, context.RequestAborted) is not { } reply) return new ImageReply(turn.Id, [], null, null);
        var (urls, text) = ImageFinder.Find(reply.BuildText() ?? "");
        return urls.Count > 0 ? new ImageReply(turn.Id, urls, text, (reply.End as ReplyCompleted)?.Usage) : throw NoImageError(text);
    }

    /// <summary>Loads an image of a reply.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FetchFailed"/>.</exception>
    public async Task<ReadOnlyMemory<byte>> Load(string url, ReplyAddresses addresses, CancellationToken cancellationToken)
    {
        if (url.StartsWith("data:", StringComparison.OrdinalIgnoreCase)) return Decode(url);
        if (addresses.FindBlobId(url) is { } blobId && await ReplyFiles.Open(blobs, blobId, cancellationToken) is { } kept) return kept;
        return (await fetcher.Fetch(url, "image/", cancellationToken)).Content;
    }

    /// <summary>Decodes an image that is in its own URL.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.FetchFailed"/>.</exception>
    public static ReadOnlyMemory<byte> Decode(string dataUrl) => DataUri.TryDecode(dataUrl)
        ?? throw new ClusterException(ErrorCode.FetchFailed, "The bot answered with an image whose data: URL has no valid base64.", "data[].url");

    private static ClusterException NoImageError(string? text)
    {
        if (text is null) return new ClusterException(ErrorCode.NoImage, "The bot answered without an image and without text. Change the prompt or the model.");
        var end = text.Length <= MaxQuoteLength ? text.Length
            : char.IsHighSurrogate(text[MaxQuoteLength - 1]) ? MaxQuoteLength - 1
            : MaxQuoteLength;
        return new ClusterException(ErrorCode.NoImage, $"The bot answered without an image: {text[..end]}{(end < text.Length ? "…" : "")}");
    }
}

/// <summary>The images of one turn's reply.</summary>
/// <param name="TurnId">The turn.</param>
/// <param name="Urls">The URLs of the images.</param>
/// <param name="Text">The rest of the reply's text; null if nothing is left.</param>
/// <param name="Usage">The token counts; null if the upstream reported none.</param>
internal sealed record ImageReply(string TurnId, IReadOnlyList<string> Urls, string? Text, Usage? Usage);
