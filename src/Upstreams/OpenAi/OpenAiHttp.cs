using System.Net.Http.Headers;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>Sends single requests to OpenAI-compatible servers, each once. Throws a <see cref="ClusterException"/> for everything except success.</summary>
internal sealed partial class OpenAiHttp(UpstreamHttp http, ISecretSeal seal, TimeProvider time, ILogger logger)
{
    /// <summary>Sends a request that is answered with an event stream.</summary>
    /// <remarks>
    /// A model has no memory, so a prompt whose fate is unknown may be sent again: a broken connection is <see cref="ErrorCode.UpstreamUnavailable"/>.
    /// </remarks>
    /// <exception cref="ClusterException">The server refused the request, sent something else, or could not be reached.</exception>
    public async Task<EventStream> OpenStream(
        AccountDefinition account, HttpMethod method, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        var response = await SendRequest(account, method, path, body, isStream: true, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await ReadErrorBody(response, cancellationToken).ConfigureAwait(false));
            var content = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            if (string.Equals(response.Content.Headers.ContentType?.MediaType, "text/event-stream", StringComparison.OrdinalIgnoreCase))
                return new EventStream(response, content, RequestIdOf(response));
            // Some servers answer with an error in a successful response, others stream with another media type.
            var prefix = await HttpBody.ReadUpTo(content, limit: 1, cancellationToken).ConfigureAwait(false);
            var start = prefix.Span.TrimStart(" \t\r\n"u8);
            if (!start.IsEmpty && start[0] is not ((byte)'{' or (byte)'[' or (byte)'<'))
                return new EventStream(response, content, RequestIdOf(response)) { Prefix = prefix };
            throw ToException(response, await HttpBody.ReadUpTo(content, prefix, OpenAiLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e)
        {
            response.Dispose();
            if (e is not (IOException or HttpRequestException or InvalidDataException)) throw;
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to the model's server broke while it was answering.", inner: e);
        }
    }

    /// <summary>Sends a request that is answered with JSON.</summary>
    /// <exception cref="ClusterException">The server refused the request, sent something else, or could not be reached.</exception>
    public async Task<JsonElement> Send(AccountDefinition account, HttpMethod method, string path, CancellationToken cancellationToken)
    {
        using var response = await SendRequest(account, method, path, body: null, isStream: false, cancellationToken).ConfigureAwait(false);
        try
        {
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await ReadErrorBody(response, cancellationToken).ConfigureAwait(false));
            var stream = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var body = await HttpBody.ReadUpTo(stream, OpenAiLimits.MaxJsonBody, cancellationToken).ConfigureAwait(false);
            return LenientJson.TryParse(body.Span) is { ValueKind: JsonValueKind.Object } json ? json : throw ToException(response, body);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to the model's server broke while it was answering.", inner: e);
        }
    }

    private async Task<HttpResponseMessage> SendRequest(
        AccountDefinition account, HttpMethod method, string path, ReadOnlyMemory<byte>? body, bool isStream, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, BuildUri(account, path));
        if (body is { IsEmpty: false } json)
            request.Content = new ReadOnlyMemoryContent(json) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", OpenToken(account));
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue(isStream ? "text/event-stream" : "application/json"));
        if (isStream) request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        // A server that compresses a stream delays its events.
        foreach (var encoding in isStream ? ["identity"] : HttpBody.Encodings) request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue(encoding));
        var options = OpenAiAccountOptions.Parse(account);
        if (options.Organization is { } organization) request.Headers.TryAddWithoutValidation("OpenAI-Organization", organization);
        if (options.Project is { } project) request.Headers.TryAddWithoutValidation("OpenAI-Project", project);
        var response = await http.Send(account, request, ErrorCode.UpstreamUnavailable, cancellationToken).ConfigureAwait(false);
        logger.Answered(method, request.RequestUri!.AbsolutePath, (int)response.StatusCode, account.Id, RequestIdOf(response));
        return response;
    }

    private ClusterException ToException(HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        var status = response.StatusCode;
        var json = LenientJson.TryParse(body.Span);
        var refusal = json is { } given ? OpenAiRefusal.Parse(given) : new OpenAiRefusal(null, null, null, null);
        Error error;
        if (response.IsSuccessStatusCode && !(json is { } answer && answer.GetMember("error"u8).ValueKind != JsonValueKind.Undefined))
        {
            var type = UpstreamText.Clean(response.Content.Headers.ContentType?.MediaType ?? "no content type");
            var text = $"The model's server sent an unexpected answer ({type}, {body.Length} bytes). Check the account's base_url.";
            error = new Error(ErrorCode.UpstreamProtocol, text);
        }
        else if ((int)status is >= 300 and < 400)
        {
            var text = $"The model's server redirects (HTTP {(int)status}). Redirects are not followed. Check the account's base_url.";
            error = new Error(ErrorCode.UpstreamProtocol, text);
        }
        else
        {
            error = OpenAiErrors.ToError(refusal, response.IsSuccessStatusCode ? null : status, OpenAiErrors.ReadUntil(response.Headers, time));
        }
        logger.Refused(error.Code, (int)status, RequestIdOf(response));
        return error.ToException();
    }

    private string OpenToken(AccountDefinition account)
    {
        var token = account.Token is { } secret ? seal.Open(secret).Trim() : "";
        return token.Length > 0 && !token.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? token
            : throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The token of account '{account.Id}' is empty or has characters that tokens cannot have. Correct it in the fleet file.");
    }

    private static Uri BuildUri(AccountDefinition account, string path) =>
        Uri.TryCreate(account.BaseUrl.TrimEnd('/') + path, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"
            ? uri
            : throw new ClusterException(
                ErrorCode.UpstreamUnavailable, $"The base_url of account '{account.Id}' is not an http:// or https:// address. Correct it in the fleet file.");

    private static string? RequestIdOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("x-request-id", out var values) ? UpstreamText.Clean(values.FirstOrDefault()) : null;

    private static async Task<ReadOnlyMemory<byte>> ReadErrorBody(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            return await HttpBody.ReadUpTo(body, OpenAiLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException)
        {
            // The status code alone determines the error.
            return default;
        }
    }
}
