using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>
/// Sends requests with the token of an account. If Coze refuses an OAuth token, the token is fetched again and the request is sent once more. That is safe for
/// prompts too: a refused request has started nothing.
/// </summary>
internal sealed class CozeClient(CozeHttp http, CozeTokens tokens)
{
    /// <summary>Opens an event stream; see <see cref="CozeHttp.OpenStream"/>.</summary>
    public Task<EventStream> OpenStream(AccountDefinition account, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken) =>
        WithToken(account, token => http.OpenStream(account, token, path, CozeJson.Content(body), cancellationToken), cancellationToken);

    /// <summary>Posts a request and returns its JSON answer; see <see cref="CozeHttp.Send"/>.</summary>
    /// <param name="account">The account.</param>
    /// <param name="path">The path and query.</param>
    /// <param name="createContent">Creates the content. Called again if the request is sent again.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    public Task<JsonElement> Send(AccountDefinition account, string path, Func<HttpContent> createContent, CancellationToken cancellationToken) =>
        WithToken(account, token => http.Send(account, token, path, createContent(), cancellationToken), cancellationToken);

    /// <summary>Sends a request that only reads; see <see cref="CozeHttp.Read"/>.</summary>
    public Task<JsonElement> Read(AccountDefinition account, string path, CancellationToken cancellationToken) =>
        WithToken(account, token => http.Read(account, token, path, cancellationToken), cancellationToken);

    private async Task<T> WithToken<T>(AccountDefinition account, Func<string, Task<T>> send, CancellationToken cancellationToken)
    {
        var token = await tokens.Get(account, cancellationToken).ConfigureAwait(false);
        try
        {
            return await send(token).ConfigureAwait(false);
        }
        catch (ClusterException e) when (e.Code == ErrorCode.UpstreamUnauthorized && account.OAuth is not null && account.Token is null)
        {
            tokens.Invalidate(account, token);
        }
        return await send(await tokens.Get(account, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }
}

/// <summary>
/// Sends single requests to Coze, each once. Throws a <see cref="ClusterException"/> for everything except success. Handles Coze's response envelope, its error
/// responses and its log ids.
/// </summary>
internal sealed class CozeHttp(UpstreamHttp http, TimeProvider time, ILogger logger)
{
    // The base addresses of servers that answer reading requests only to POST.
    private readonly ConcurrentDictionary<string, bool> _readByPost = new(StringComparer.Ordinal);

    /// <summary>Posts a request that Coze answers with an event stream.</summary>
    /// <exception cref="ClusterException">
    /// Coze refused the request, sent something else, or could not be reached. <see cref="ErrorCode.UpstreamOutcomeUnknown"/>: the connection broke, and
    /// Coze may have started the chat.
    /// </exception>
    public async Task<EventStream> OpenStream(AccountDefinition account, string bearer, string path, HttpContent content, CancellationToken cancellationToken)
    {
        var response = await SendRequest(account, bearer, HttpMethod.Post, path, content, isStream: true, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await ReadErrorBody(response, cancellationToken).ConfigureAwait(false));
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (string.Equals(type, "text/event-stream", StringComparison.OrdinalIgnoreCase))
                return new EventStream(response, body, LogIdOf(response));

            // Coze sends refusals as JSON with status 200, and some servers send event streams with another media type. The first byte distinguishes them.
            var (prefix, first) = await Peek(body, cancellationToken).ConfigureAwait(false);
            if (first is not ((byte)'{' or (byte)'<' or 0)) return new EventStream(response, body, LogIdOf(response)) { Prefix = prefix };
            throw ToException(response, await HttpBody.ReadUpTo(body, prefix, CozeLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            response.Dispose();
            if (e is not (IOException or HttpRequestException or InvalidDataException)) throw;
            throw new ClusterException(ErrorCode.UpstreamOutcomeUnknown, "The connection to Coze broke while Coze was answering.", inner: e);
        }
    }

    /// <summary>Posts a request that Coze answers with JSON.</summary>
    /// <returns>The answer: an envelope with code 0, or an object without a code.</returns>
    /// <exception cref="ClusterException">Coze refused the request, sent something else, or could not be reached.</exception>
    public async Task<JsonElement> Send(AccountDefinition account, string bearer, string path, HttpContent content, CancellationToken cancellationToken)
    {
        using var response = await SendRequest(account, bearer, HttpMethod.Post, path, content, isStream: false, cancellationToken).ConfigureAwait(false);
        return await ReadAnswer(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends a request that only reads. Uses GET, as Coze documents it. If a server does not know the path with GET, uses POST, as some of Coze's own client
    /// libraries do.
    /// </summary>
    /// <returns>See <see cref="Send"/>.</returns>
    /// <exception cref="ClusterException">See <see cref="Send"/>.</exception>
    public async Task<JsonElement> Read(AccountDefinition account, string bearer, string path, CancellationToken cancellationToken)
    {
        if (!_readByPost.ContainsKey(account.BaseUrl))
        {
            using var response = await SendRequest(
                account, bearer, HttpMethod.Get, path, content: null, isStream: false, cancellationToken).ConfigureAwait(false);
            if (response.IsSuccessStatusCode || response.StatusCode is not (HttpStatusCode.MethodNotAllowed or HttpStatusCode.NotFound))
                return await ReadAnswer(response, cancellationToken).ConfigureAwait(false);
            // A 404 with an error code comes from Coze and is about the chat. A 404 without one comes from a router and is about the method.
            var body = await ReadErrorBody(response, cancellationToken).ConfigureAwait(false);
            if (LenientJson.TryParse(body.Span) is { } json && CozeRefusal.Parse(json).IsError) throw ToException(response, body);
        }
        var answer = await Send(account, bearer, path, CozeJson.Content("{}"u8.ToArray()), cancellationToken).ConfigureAwait(false);
        _readByPost[account.BaseUrl] = true;
        return answer;
    }

    private async Task<HttpResponseMessage> SendRequest(
        AccountDefinition account, string bearer, HttpMethod method, string path, HttpContent? content, bool isStream, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, BuildUri(account, path)) { Content = content };
        request.Headers.Authorization = CreateAuthorization(account, bearer);
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        if (isStream) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        // A server that compresses a stream delays its events.
        foreach (var encoding in isStream ? ["identity"] : HttpBody.Encodings) request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue(encoding));
        // A request for a stream starts a chat. All other requests can be repeated.
        var codeAfterSending = isStream ? ErrorCode.UpstreamOutcomeUnknown : ErrorCode.UpstreamUnavailable;
        var response = await http.Send(account, request, codeAfterSending, cancellationToken).ConfigureAwait(false);
        logger.Answered(method, request.RequestUri!.AbsolutePath, (int)response.StatusCode, account.Id, LogIdOf(response));
        return response;
    }

    private async Task<JsonElement> ReadAnswer(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await ReadErrorBody(response, cancellationToken).ConfigureAwait(false));
            var stream = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var body = await HttpBody.ReadUpTo(stream, CozeLimits.MaxJsonBody, cancellationToken).ConfigureAwait(false);
            return LenientJson.TryParse(body.Span) is { ValueKind: JsonValueKind.Object } json && !CozeRefusal.Parse(json).IsError
                ? json
                : throw ToException(response, body);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to Coze broke while Coze was answering.", inner: e);
        }
    }

    private ClusterException ToException(HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        var (status, logId) = (response.StatusCode, LogIdOf(response));
        var refusal = LenientJson.TryParse(body.Span) is { } json ? CozeRefusal.Parse(json, logId) : new CozeRefusal(null, null, LogId: logId);
        var error = CozeErrors.ToError(refusal, status, RetryAfter.Parse(response.Headers, time));
        if (!refusal.IsError && (int)status is >= 300 and < 400)
        {
            error = new Error(
                ErrorCode.UpstreamProtocol, $"Coze's server redirects (HTTP {(int)status}). Redirects are not followed. Check the account's base_url.");
        }
        else if (!refusal.IsError && response.IsSuccessStatusCode)
        {
            var type = UpstreamText.Clean(response.Content.Headers.ContentType?.MediaType ?? "no content type");
            error = new Error(ErrorCode.UpstreamProtocol, $"Coze sent an unexpected answer ({type}, {body.Length} bytes). Check the account's base_url.");
        }
        logger.Refused(error.Code, refusal.Code, (int)status, logId);
        return error.ToException();
    }

    private static Uri BuildUri(AccountDefinition account, string path) =>
        Uri.TryCreate(account.BaseUrl.TrimEnd('/') + path, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ClusterException(
                ErrorCode.UpstreamUnavailable, $"The base_url of account '{account.Id}' is not an http:// or https:// address. Correct it in the fleet file.");

    private static AuthenticationHeaderValue CreateAuthorization(AccountDefinition account, string bearer) =>
        bearer.Length > 0 && !bearer.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? new AuthenticationHeaderValue("Bearer", bearer)
            : throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The token of account '{account.Id}' is empty or has characters that tokens cannot have. Correct it in the fleet file.");

    private static string? LogIdOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("x-tt-logid", out var values) ? UpstreamText.Clean(values.FirstOrDefault()) : null;

    // Reads until the first byte that is not white space; returns 0 for it if there is none.
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
            if (read == 0 || prefix.Length > CozeLimits.MaxErrorBody) return (prefix, 0);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadErrorBody(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            return await HttpBody.ReadUpTo(body, CozeLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            // The status code alone determines the error.
            return default;
        }
    }
}
