using System.Buffers;
using System.IO.Pipelines;
using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Http;

/// <summary>Reads the JSON bodies of requests and writes those of responses.</summary>
internal static class JsonBody
{
    private const int MaxDepth = 64;

    /// <summary>
    /// The maximum number of values and names in a body. A parsed document needs 12 bytes for each, and twice that while it grows: without a limit, a body of
    /// numbers would need twelve times its size. The largest prompt that is accepted has a tenth of this number.
    /// </summary>
    private const int MaxTokens = 1_000_000;

    /// <summary>How all surfaces write JSON: only characters that JSON itself requires are escaped. The result is never put into HTML.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>Writes a JSON response directly into the response's buffer.</summary>
    public static async Task Write<T>(HttpContext context, T value, Action<Utf8JsonWriter, T> write)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        using (var writer = new Utf8JsonWriter(context.Response.BodyWriter, WriterOptions))
        {
            write(writer, value);
            writer.Flush();
        }
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    /// <summary>Writes the members <c>"object":"list"</c> and <c>"data":[…]</c> of an object.</summary>
    /// <param name="writer">The writer, inside the object.</param>
    /// <param name="items">The items of the list.</param>
    /// <param name="write">Writes one item.</param>
    public static void WriteListMembers<T>(Utf8JsonWriter writer, IEnumerable<T> items, Action<Utf8JsonWriter, T> write)
    {
        writer.WriteString("object"u8, "list"u8);
        writer.WriteStartArray("data"u8);
        foreach (var item in items) write(writer, item);
        writer.WriteEndArray();
    }

    /// <summary>Reads and parses the body of a request. The parsed document is disposed when <paramref name="read"/> returns.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">The maximum size of the body.</param>
    /// <param name="read">Converts the document, and the bytes it was parsed from, to the result.</param>
    /// <param name="isLenient">
    /// Whether the clients are those of an older system: the type of the body does not matter, its root may be any value, and comments and trailing commas are
    /// skipped.
    /// </param>
    /// <exception cref="ClusterException">
    /// The body has the wrong type, is empty, is too large, or is not JSON, or <see cref="BodyBudget"/> has no room for it.
    /// </exception>
    /// <exception cref="ClientDisconnectedException">The connection broke before the body was complete.</exception>
    public static ValueTask<T> Read<T>(
        HttpContext context, long maxBytes, Func<JsonElement, ReadOnlySequence<byte>, T> read, bool isLenient = false)
    {
        CheckType(context.Request, isLenient);
        return ReadBytes(context, maxBytes, body => Parse(body, read, isLenient));
    }

    /// <summary>Reads the body of a request, whatever its type. The bytes are valid until <paramref name="read"/> returns.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">The maximum size of the body.</param>
    /// <param name="read">Converts the bytes to the result.</param>
    /// <exception cref="ClusterException">The body is too large, or <see cref="BodyBudget"/> has no room for it.</exception>
    /// <exception cref="ClientDisconnectedException">The connection broke before the body was complete.</exception>
    public static async ValueTask<T> ReadBytes<T>(HttpContext context, long maxBytes, Func<ReadOnlySequence<byte>, T> read)
    {
        // The size is checked here. With the server's own limit, the server would close the connection while the client still sends, and the client would
        // never receive the error.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        if (context.Request.ContentLength > maxBytes) throw TooLarge(maxBytes);
        var body = context.Request.BodyReader;
        using var budget = BodyBudget.Begin(context);
        while (true)
        {
            var result = await ReadMore(body, context.RequestAborted);
            try
            {
                if (result.Buffer.Length > maxBytes) throw TooLarge(maxBytes);
                budget.Grow(result.Buffer.Length);
            }
            catch
            {
                // The server reads the rest, so that the client receives the error. It closes the connection at once if this read has not ended.
                body.AdvanceTo(result.Buffer.End);
                throw;
            }
            if (result.IsCompleted) return Use(body, result, read);
            body.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    /// <summary>The SHA-256 of a body.</summary>
    public static string Fingerprint(ReadOnlySequence<byte> bytes)
    {
        using var sha = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var segment in bytes) sha.AppendData(segment.Span);
        return Convert.ToHexStringLower(sha.GetHashAndReset());
    }

    // The server reports a broken connection here before it cancels the request. BadHttpRequestException, its own rejection, is an IOException too.
    private static async ValueTask<ReadResult> ReadMore(PipeReader body, CancellationToken aborted)
    {
        try
        {
            return await body.ReadAsync(aborted);
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException and not BadHttpRequestException)
        {
            throw new ClientDisconnectedException(exception);
        }
    }

    /// <summary>Parses a body, or a message of a WebSocket, as <see cref="Read"/> does.</summary>
    /// <exception cref="ClusterException"><see cref="ErrorCode.InvalidRequest"/>.</exception>
    public static T Parse<T>(ReadOnlySequence<byte> body, Func<JsonElement, ReadOnlySequence<byte>, T> read, bool isLenient)
    {
        try
        {
            var bytes = SkipByteOrderMark(body);
            if (bytes.IsEmpty) throw new ClusterException(ErrorCode.InvalidRequest, "The request body is empty. Send a JSON object.");
            // A token, with what separates it from the next one, has two bytes or more.
            var comments = isLenient ? JsonCommentHandling.Skip : JsonCommentHandling.Disallow;
            if (bytes.Length / 2 > MaxTokens)
                CheckTokens(bytes, new JsonReaderOptions { MaxDepth = MaxDepth, AllowTrailingCommas = isLenient, CommentHandling = comments });
            using var document = JsonDocument.Parse(
                bytes, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowTrailingCommas = isLenient, CommentHandling = comments });
            if (!isLenient && document.RootElement.ValueKind != JsonValueKind.Object)
                throw new ClusterException(ErrorCode.InvalidRequest, "The request body must be a JSON object.");
            return read(document.RootElement, bytes);
        }
        catch (JsonException exception)
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, $"The request body is not valid JSON: line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}.");
        }
        catch (InvalidOperationException exception) when (exception.Source?.StartsWith("System.Text.Json", StringComparison.Ordinal) == true)
        {
            // Property names are read without a path, so an error for a name that is not valid Unicode cannot name the field.
            throw new ClusterException(ErrorCode.InvalidRequest, $"The request body contains text that is not valid Unicode ({JsonInput.UnicodeHint}).");
        }
    }

    private static T Use<T>(PipeReader body, ReadResult result, Func<ReadOnlySequence<byte>, T> read)
    {
        try
        {
            return read(result.Buffer);
        }
        finally
        {
            body.AdvanceTo(result.Buffer.End);
        }
    }

    private static void CheckTokens(ReadOnlySequence<byte> bytes, JsonReaderOptions options)
    {
        var reader = new Utf8JsonReader(bytes, options);
        for (var count = 0; reader.Read(); count++)
        {
            if (count > MaxTokens)
                throw new ClusterException(ErrorCode.InvalidRequest, $"The request body has too many values. Send at most {MaxTokens} values and names.");
        }
    }

    private static ReadOnlySequence<byte> SkipByteOrderMark(ReadOnlySequence<byte> bytes)
    {
        ReadOnlySpan<byte> mark = [0xEF, 0xBB, 0xBF];
        if (bytes.Length < mark.Length) return bytes;
        Span<byte> start = stackalloc byte[mark.Length];
        bytes.Slice(0, mark.Length).CopyTo(start);
        return start.SequenceEqual(mark) ? bytes.Slice(mark.Length) : bytes;
    }

    private static void CheckType(HttpRequest request, bool isLenient)
    {
        if (request.Headers.ContentEncoding is { Count: > 0 } encoding && !encoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase))
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "Content-Encoding is not supported. Send the body uncompressed.");

        // Some simple clients send no Content-Type. If their body is not JSON, the parser reports that.
        if (isLenient || string.IsNullOrEmpty(request.ContentType)) return;
        if (!request.HasJsonContentType())
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "Send the body as JSON, with the header Content-Type: application/json.");
        if (request.GetTypedHeaders().ContentType?.Charset is { HasValue: true } charset && !IsUtf8(charset.AsSpan().Trim('"')))
            throw new ClusterException(ErrorCode.UnsupportedMediaType, "The charset of the body is not supported. Send the body as UTF-8.");
    }

    private static bool IsUtf8(ReadOnlySpan<char> charset) =>
        charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase);

    /// <summary>The error of a body that is larger than the maximum.</summary>
    public static ClusterException TooLarge(long maxBytes) =>
        new(ErrorCode.PayloadTooLarge, $"The request body is larger than this server accepts. Send at most {maxBytes} bytes.");
}

/// <summary>The client's connection broke while its request was read. There is no client left to answer, and the server made no mistake.</summary>
/// <param name="inner">The exception of the server.</param>
internal sealed class ClientDisconnectedException(Exception inner) : Exception("The client disconnected before its request was complete.", inner);
