using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Text;
using CozeCluster.Upstreams.Shared.Prompts;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Claude;

/// <summary>How a file is sent.</summary>
internal enum ClaudeFileKind
{
    /// <summary>An <c>image</c> block.</summary>
    Image,

    /// <summary>A <c>document</c> block with a PDF.</summary>
    Pdf,

    /// <summary>A <c>document</c> block with plain text.</summary>
    Text,
}

/// <summary>A file of a prompt, as its bytes show it.</summary>
/// <param name="Kind">How it is sent.</param>
/// <param name="MediaType">The media type.</param>
/// <param name="Text">The content of a text; otherwise null.</param>
internal sealed record ClaudeFile(ClaudeFileKind Kind, string MediaType, string? Text = null);

/// <summary>Finds out what the files of a prompt are. Claude refuses a file whose media type does not fit its bytes.</summary>
internal sealed class ClaudeFiles(IBlobStore blobs, ILogger logger)
{
    private const int HeadSize = 64;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Inspects all uploaded files of a prompt, the newest first. In the history, what Claude would not accept is replaced by a text.</summary>
    /// <returns>The messages to send, and their files by blob id.</returns>
    /// <exception cref="ClusterException">
    /// In a new message. <see cref="ErrorCode.FileRejected"/>: Claude accepts no such file, or the files are too large. <see cref="ErrorCode.NotFound"/>: a
    /// blob has expired.
    /// </exception>
    public async ValueTask<(IReadOnlyList<ChatMessage> Messages, IReadOnlyDictionary<string, ClaudeFile> Files)> Inspect(
        UpstreamTurn turn, CancellationToken cancellationToken)
    {
        var files = new Dictionary<string, ClaudeFile>();
        var messages = turn.Messages;
        ChatMessage[]? changed = null;
        var firstNew = PromptHistory.FirstNew(turn);
        var room = ClaudeLimits.MaxRequest;
        for (var i = messages.Count - 1; i >= 0; i--)
        {
            ContentPart[]? parts = null;
            for (var j = 0; j < messages[i].Content.Count; j++)
            {
                var part = messages[i].Content[j];
                if (PromptHistory.SourceOf(part) is not { } source) continue;
                try
                {
                    // Audio is refused with the other messages, before its bytes matter.
                    if (part is AudioContent && i < firstNew) throw Rejected("Claude models accept no audio.", i);
                    if (source.Blob is not { } blob || part is AudioContent) continue;
                    var size = Base64.GetMaxEncodedToUtf8Length((int)Math.Min(blob.Size, ClaudeLimits.MaxRequest));
                    if (size > room) throw Rejected($"Claude models accept {ClaudeLimits.MaxRequest} bytes of files in a request.", i);
                    if (!files.ContainsKey(blob.Id)) files[blob.Id] = await Inspect(blob, part is ImageContent, i, cancellationToken).ConfigureAwait(false);
                    room -= size;
                }
                catch (ClusterException) when (i < firstNew)
                {
                    logger.ClaudeAttachmentLeftOut(turn.TurnId);
                    parts ??= [.. messages[i].Content];
                    parts[j] = new TextContent(PromptHistory.LostAttachment);
                }
            }
            if (parts is not null) (changed ??= [.. messages])[i] = messages[i] with { Content = parts };
        }
        return (changed ?? messages, files);
    }

    private async ValueTask<ClaudeFile> Inspect(BlobRef blob, bool isImage, int message, CancellationToken cancellationToken)
    {
        var stream = await blobs.Open(blob, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            var head = new byte[HeadSize];
            var read = await stream.ReadAtLeastAsync(head, HeadSize, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
            var type = MediaTypes.Detect(head.AsSpan(0, read))?.Type ?? (isImage ? blob.ContentType : null);
            if (type is "image/png" or "image/jpeg" or "image/gif" or "image/webp") return new ClaudeFile(ClaudeFileKind.Image, type);
            if (isImage) throw Rejected("Claude models accept images as PNG, JPEG, GIF or WebP.", message);
            if (type == "application/pdf") return new ClaudeFile(ClaudeFileKind.Pdf, type);
            if (type is null)
            {
                var content = new MemoryStream();
                content.Write(head, 0, read);
                await stream.CopyToAsync(content, cancellationToken).ConfigureAwait(false);
                if (TryReadText(content.GetBuffer().AsSpan(0, (int)content.Length)) is { } text) return new ClaudeFile(ClaudeFileKind.Text, "text/plain", text);
            }
            throw Rejected("Claude models accept files as PDF, image or text in UTF-8.", message);
        }
    }

    private static string? TryReadText(ReadOnlySpan<byte> content)
    {
        if (content.StartsWith("\uFEFF"u8)) content = content[3..];
        if (content.Contains((byte)0)) return null;
        try
        {
            return StrictUtf8.GetString(content) is { } text && !string.IsNullOrWhiteSpace(text) ? text : null;
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static ClusterException Rejected(string message, int index) => new(ErrorCode.FileRejected, message, $"messages[{index}].content");
}

/// <summary>The body of a request: JSON with the Base64 of files. The files are read while the body is sent, so they take no memory.</summary>
/// <param name="blobs">The store of the files.</param>
/// <param name="json">The JSON, with an empty string in place of each file.</param>
/// <param name="files">The files and their places within the JSON, in ascending order.</param>
internal sealed class ClaudeBody(IBlobStore blobs, ReadOnlyMemory<byte> json, IReadOnlyList<(int Position, BlobRef Blob)> files) : HttpContent
{
    // A multiple of three, so that only the last piece of a file is padded.
    private const int PieceSize = 48 * 1024;

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        var start = 0;
        foreach (var (position, blob) in files)
        {
            await stream.WriteAsync(json[start..position], cancellationToken).ConfigureAwait(false);
            await WriteFile(stream, blob, cancellationToken).ConfigureAwait(false);
            start = position;
        }
        await stream.WriteAsync(json[start..], cancellationToken).ConfigureAwait(false);
    }

    protected override bool TryComputeLength(out long length)
    {
        length = json.Length + files.Sum(file => (file.Blob.Size + 2) / 3 * 4);
        return true;
    }

    private async Task WriteFile(Stream stream, BlobRef blob, CancellationToken cancellationToken)
    {
        var content = await blobs.Open(blob, cancellationToken).ConfigureAwait(false);
        await using var disposing = content.ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(Base64.GetMaxEncodedToUtf8Length(PieceSize));
        try
        {
            int read;
            do
            {
                var piece = buffer.AsMemory(0, PieceSize);
                read = await content.ReadAtLeastAsync(piece, PieceSize, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
                Base64.EncodeToUtf8InPlace(buffer, read, out var written);
                await stream.WriteAsync(buffer.AsMemory(0, written), cancellationToken).ConfigureAwait(false);
            }
            while (read == PieceSize);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
