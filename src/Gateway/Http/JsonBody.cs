using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Http;

/// <summary>Reads a JSON request body, whatever it may turn out to be.</summary>
internal static class JsonBody
{
    private const int MaxDepth = 64;

    /// <summary>Reads the body, parses it and hands it on. The document lives no longer than <paramref name="read"/>.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">The largest body taken.</param>
    /// <param name="read">Makes something of the document; gets the bytes too.</param>
    /// <exception cref="ClusterException">The body is of the wrong type, empty, too large, or not JSON.</exception>
    /// <exception cref="ClientGoneException">The connection broke in the middle of the body.</exception>
    public static async ValueTask<T> Read<T>(HttpContext context, long maxBytes, Func<JsonElement, ReadOnlySequence<byte>, T> read)
    {
        CheckType(context.Request);
        // Counted here: the server's own limit would have it cut the connection under a client that still sends, and so never hears why.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        if (context.Request.ContentLength > maxBytes) throw TooLarge(maxBytes);
        var body = context.Request.BodyReader;
        while (true)
        {
            var result = await ReadSome(body, context.RequestAborted);
            if (result.Buffer.Length > maxBytes) throw TooLarge(maxBytes);
            if (result.IsCompleted) return Parse(body, result, read);
            body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>SHA-256 of a body.</summary>
    public static string Fingerprint(ReadOnlySequence<byte> bytes)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in bytes) sha.AppendData(segment.Span);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    // The server tells of a broken connection here before it cancels the request. Its own refusals are IOExceptions too.
    private static async ValueTask<ReadResult> ReadSome(PipeReader body, CancellationToken aborted)
    {
        try
        {
            return await body.ReadAsync(aborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException and not BadHttpRequestException)
        {
            throw new ClientGoneException(exception);
        }
    }

    private static T Parse<T>(PipeReader body, ReadResult result, Func<JsonElement, ReadOnlySequence<byte>, T> read)
    {
        try
        {
            var bytes = WithoutMark(result.Buffer);
            if (bytes.IsEmpty) throw new ClusterException(ErrorCode.InvalidRequest, "The request body is empty. Send a JSON object.");
            using var document = JsonDocument.Parse(bytes, new JsonDocumentOptions { MaxDepth = MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw new ClusterException(ErrorCode.InvalidRequest, "The request body must be a JSON object.");
            return read(document.RootElement, bytes);
        }
        catch (JsonException exception)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, $"The request body is not valid JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.");
        }
        catch (InvalidOperationException exception) when (exception.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true)
        {
            // Names are read without a place: a name that is not valid Unicode ends here.
            throw new ClusterException(ErrorCode.InvalidRequest, "The request body holds text that is not valid Unicode (a half of a surrogate pair, or broken UTF-8).");
        }
        finally
        {
            body.AdvanceTo(result.Buffer.End);
        }
    }

    private static ReadOnlySequence<byte> WithoutMark(ReadOnlySequence<byte> bytes)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (bytes.Length < mark.Length) return bytes;
        Span<byte> start = stackalloc byte[mark.Length];
        bytes.Slice(0, mark.Length).CopyTo(start);
        return start.SequenceEqual(mark) ? bytes.Slice(mark.Length) : bytes;
    }

    private static void CheckType(HttpRequest request)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "Send the body without Content-Encoding.");

        // Some bare clients name no type at all; what they send is JSON or fails as such.
        if (string.IsNullOrEmpty(request.ContentType)) return;
        if (!request.HasJsonContentType())
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "Send the body as JSON, with the header Content-Type: application/json.");
        if (request.GetTypedHeaders().ContentType?.Charset is { HasValue: true } charset
            && !charset.AsSpan().Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !charset.AsSpan().Trim('"').Equals("utf8", StringComparison.OrdinalIgnoreCase))
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "Send the body as UTF-8.");
    }

    private static ClusterException TooLarge(long maxBytes) =>
        new(ErrorCode.PayloadTooLarge, $"The request body is larger than the {maxBytes} bytes this server takes.");
}
