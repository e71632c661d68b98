using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CozeCluster.Upstreams.Http;
using CozeCluster.Upstreams.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>An event stream that Coze has opened.</summary>
/// <param name="Response">To be disposed of.</param>
/// <param name="Body">What is left to read.</param>
/// <param name="Prefix">What has been read of it.</param>
/// <param name="LogId">For Coze's support.</param>
internal sealed record CozeStream(HttpResponseMessage Response, Stream Body, byte[] Prefix, string? LogId);

/// <summary>Sends single requests to Coze; whatever is not success comes out as a <see cref="ClusterException"/>. Knows Coze's envelope, refusals and log ids.</summary>
internal sealed class CozeHttp(UpstreamHttp http, TimeProvider time, ILogger logger)
{
    private const int MaxRefusal = 64 * 1024;
    private const int MaxBody = 64 * 1024 * 1024;

    // Servers (by base address) that answer reads to POST only.
    private readonly ConcurrentDictionary<string, bool> _readByPost = new(StringComparer.Ordinal);

    /// <summary>Asks for an event stream.</summary>
    /// <exception cref="ClusterException">Coze refused, answered something else, or could not be reached.</exception>
    public async Task<CozeStream> OpenStream(AccountDefinition account, string bearer, string path, HttpContent content, CancellationToken cancellationToken)
    {
        var response = await Request(account, bearer, HttpMethod.Post, path, content, forStream: true, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!response.IsSuccessStatusCode) throw Refusal(response, await ReadRefusal(response, cancellationToken).ConfigureAwait(false), bearer);
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (string.Equals(type, "text/event-stream", StringComparison.OrdinalIgnoreCase)) return new CozeStream(response, body, [], LogId(response));

            // Refusals come as JSON with status 200, and not every server names its stream for what it is: the first byte tells.
            var (prefix, first) = await Peek(body, cancellationToken).ConfigureAwait(false);
            if (first is not ((byte)'{' or (byte)'<' or 0)) return new CozeStream(response, body, prefix, LogId(response));
            throw Refusal(response, await ReadUpTo(body, MaxRefusal, prefix, cancellationToken).ConfigureAwait(false), bearer);
        }
        catch (Exception e)
        {
            response.Dispose();
            if (e is not (IOException or HttpRequestException or InvalidDataException)) throw;
            throw new ClusterException(ErrorCode.UpstreamOutcomeUnknown, "The connection to Coze broke within its answer.", inner: e);
        }
    }

    /// <summary>Sends a request that is answered with JSON.</summary>
    /// <returns>The answer: an envelope with code 0, or an object without a code.</returns>
    /// <exception cref="ClusterException">Coze refused, answered something else, or could not be reached.</exception>
    public async Task<JsonElement> Send(AccountDefinition account, string bearer, string path, HttpContent content, CancellationToken cancellationToken)
    {
        using var response = await Request(account, bearer, HttpMethod.Post, path, content, forStream: false, cancellationToken).ConfigureAwait(false);
        return await Answer(response, bearer, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads: with GET, as Coze documents it, or with POST, as some of its own client libraries do, where a server knows no better.</summary>
    /// <returns>See <see cref="Send"/>.</returns>
    /// <exception cref="ClusterException">See <see cref="Send"/>.</exception>
    public async Task<JsonElement> Read(AccountDefinition account, string bearer, string path, CancellationToken cancellationToken)
    {
        if (!_readByPost.ContainsKey(account.BaseUrl))
        {
            using var response = await Request(account, bearer, HttpMethod.Get, path, content: null, forStream: false, cancellationToken).ConfigureAwait(false);
            if (response.IsSuccessStatusCode || response.StatusCode is not (HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotFound))
                return await Answer(response, bearer, cancellationToken).ConfigureAwait(false);
            // A 404 that names a code is Coze's word on the chat; one that does not is a router's on the method.
            var body = await ReadRefusal(response, cancellationToken).ConfigureAwait(false);
            if (LenientJson.TryParse(body) is { } json && CozeRefusal.Of(json).IsError) throw Refusal(response, body, bearer);
        }
        var answer = await Send(account, bearer, path, CozeJson.Content("{}"u8.ToArray()), cancellationToken).ConfigureAwait(false);
        _readByPost[account.BaseUrl] = true;
        return answer;
    }

    private async Task<HttpResponseMessage> Request(
        AccountDefinition account, string bearer, HttpMethod method, string path, HttpContent? content, bool forStream, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, Address(account, path)) { Content = content };
        request.Headers.Authorization = Bearer(account, bearer);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("CozeCluster", productVersion: null));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (forStream) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        // Whoever compresses a stream holds it back.
        foreach (var encoding in forStream ? ["identity"] : HttpBody.Encodings) request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue(encoding));
        // A stream is a chat begun; anything else may be asked again.
        var whenBroken = forStream ? ErrorCode.UpstreamOutcomeUnknown : ErrorCode.UpstreamUnavailable;
        var response = await http.Send(account, request, whenBroken, cancellationToken).ConfigureAwait(false);
        logger.Answered(method, request.RequestUri!.AbsolutePath, (int)response.StatusCode, account.Id, LogId(response));
        return response;
    }

    private async Task<JsonElement> Answer(HttpResponseMessage response, string bearer, CancellationToken cancellationToken)
    {
        try
        {
            if (!response.IsSuccessStatusCode) throw Refusal(response, await ReadRefusal(response, cancellationToken).ConfigureAwait(false), bearer);
            var stream = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var body = await ReadUpTo(stream, MaxBody, [], cancellationToken).ConfigureAwait(false);
            return LenientJson.TryParse(body) is { ValueKind: JsonValueKind.Object } json && !CozeRefusal.Of(json).IsError ? json : throw Refusal(response, body, bearer);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to Coze broke within its answer.", inner: e);
        }
    }

    private ClusterException Refusal(HttpResponseMessage response, byte[] body, string bearer)
    {
        var (status, logId) = (response.StatusCode, LogId(response));
        var refusal = LenientJson.TryParse(body) is { } json ? CozeRefusal.Of(json, logId) : new CozeRefusal(null, null, LogId: logId);
        var error = CozeErrors.ToError(refusal, status, RetryAfter.Of(response.Headers, time), bearer);
        if (!refusal.IsError && (int)status is >= 300 and < 400)
        {
            error = new Error(ErrorCode.UpstreamProtocol, $"Coze's server redirects (HTTP {(int)status}), which is not followed: check the account's base_url.");
        }
        else if (!refusal.IsError && response.IsSuccessStatusCode)
        {
            var type = UpstreamText.Clean(response.Content.Headers.ContentType?.MediaType ?? "no content type");
            error = new Error(ErrorCode.UpstreamProtocol, $"Coze answered what its protocol does not have ({type}, {body.Length} bytes): check the account's base_url.");
        }
        logger.Refused(error.Code, refusal.Code, (int)status, logId);
        return error.ToException();
    }

    private static Uri Address(AccountDefinition account, string path) =>
        Uri.TryCreate(account.BaseUrl.TrimEnd('/') + path, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The base_url of account '{account.Id}' is not an http:// or https:// address.");

    private static AuthenticationHeaderValue Bearer(AccountDefinition account, string bearer) =>
        bearer.Length > 0 && !bearer.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? new AuthenticationHeaderValue("Bearer", bearer)
            : throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The token of account '{account.Id}' is empty or holds characters no token has.");

    private static string? LogId(HttpResponseMessage response) =>
        response.Headers.TryGetValues("x-tt-logid", out var values) ? values.FirstOrDefault() : null;

    private static async Task<(byte[] Prefix, byte First)> Peek(Stream body, CancellationToken cancellationToken)
    {
        var prefix = Array.Empty<byte>();
        var buffer = new byte[1024];
        while (true)
        {
            var read = await body.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            prefix = [.. prefix, .. buffer.AsSpan(0, read)];
            var text = prefix.AsSpan(prefix.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0).TrimStart(" \t\r\n"u8);
            if (!text.IsEmpty) return (prefix, text[0]);
            if (read == 0 || prefix.Length > MaxRefusal) return (prefix, 0);
        }
    }

    private static async Task<byte[]> ReadRefusal(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            return await ReadUpTo(body, MaxRefusal, [], cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            // The status is word enough.
            return [];
        }
    }

    private static async Task<byte[]> ReadUpTo(Stream stream, int most, byte[] prefix, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        body.Write(prefix);
        var buffer = new byte[8 * 1024];
        while (body.Length < most && await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0) body.Write(buffer, 0, read);
        return body.ToArray();
    }
}
