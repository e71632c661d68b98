using System.Net.Http.Headers;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Gemini;

/// <summary>Sends requests to Gemini, each once. The key is sent as a header and never in the URL.</summary>
internal sealed class GeminiHttp(UpstreamHttp http, ISecretSeal seal, TimeProvider time, ILogger logger)
{
    /// <summary>Posts a request that is answered with an event stream.</summary>
    /// <exception cref="ClusterException">Gemini refused the request, sent something else, or could not be reached.</exception>
    public async Task<EventStream> OpenStream(AccountDefinition account, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, BuildUri(account, path))
        {
            Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } },
        };
        request.Headers.Add("x-goog-api-key", ReadKey(account));
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        // A server that compresses a stream delays its events.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        var response = await http.Send(account, request, ErrorCode.UpstreamUnavailable, cancellationToken).ConfigureAwait(false);
        try
        {
            logger.Answered(request.RequestUri!.AbsolutePath, (int)response.StatusCode, account.Id);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (!response.IsSuccessStatusCode)
                throw ToException(response, await HttpBody.ReadError(response, GeminiLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false));
            var content = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            if (string.Equals(type, "text/event-stream", StringComparison.OrdinalIgnoreCase)) return new EventStream(response, content, RequestId: null);
            // Nothing else can be a whole answer, and it may be long.
            var limit = EventStream.MayBeWholeAnswer(type) ? GeminiLimits.MaxRecord : GeminiLimits.MaxErrorBody;
            var answer = await HttpBody.ReadUpTo(content, limit, cancellationToken).ConfigureAwait(false);
            return EventStream.OfWholeAnswer(response, answer, requestId: null, "candidates", "promptFeedback") ?? throw ToException(response, answer);
        }
        catch (Exception e)
        {
            response.Dispose();
            if (e is not (IOException or HttpRequestException or InvalidDataException)) throw;
            cancellationToken.ThrowIfCancellationRequested();
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to Gemini broke while Gemini was answering.", inner: e);
        }
    }

    private static Uri BuildUri(AccountDefinition account, string path)
    {
        var address = account.BaseUrl.TrimEnd('/');
        if (!Uri.TryCreate(address, UriKind.Absolute, out var given) || given.Scheme is not ("http" or "https") || given.Query.Length > 0)
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnavailable, $"The base_url of account '{account.Id}' is not an http:// or https:// address. Correct it in the fleet file.");
        }
        var last = given.AbsolutePath[(given.AbsolutePath.LastIndexOf('/') + 1)..];
        var hasVersion = last is ['v', >= '0' and <= '9', ..];
        return new Uri($"{address}{(hasVersion ? "" : "/v1beta")}{path}");
    }

    private string ReadKey(AccountDefinition account)
    {
        var key = account.Token is { } token ? seal.Open(token).Trim() : "";
        return key.Length > 0 && !key.AsSpan().ContainsAnyExceptInRange('!', '~')
            ? key
            : throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The key of account '{account.Id}' is empty or has characters that keys cannot have. Correct it in the fleet file.");
    }

    private ClusterException ToException(HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        var status = response.StatusCode;
        var refusal = LenientJson.TryParse(body.Span) is { } json ? GeminiRefusal.Parse(json) : null;
        var error = GeminiErrors.ToError(refusal ?? new GeminiRefusal(null, null, null), time, status, RetryAfter.Parse(response.Headers, time));
        if (refusal is null && (int)status is >= 300 and < 400)
        {
            error = new Error(
                ErrorCode.UpstreamProtocol, $"Gemini's server redirects (HTTP {(int)status}). Redirects are not followed. Check the account's base_url.");
        }
        else if (refusal is null && response.IsSuccessStatusCode)
        {
            var type = UpstreamText.Clean(response.Content.Headers.ContentType?.MediaType ?? "no content type");
            error = new Error(ErrorCode.UpstreamProtocol, $"Gemini sent an unexpected answer ({type}, {body.Length} bytes). Check the account's base_url.");
        }
        logger.Refused(error.Code, UpstreamText.Clean(refusal?.Status), (int)status);
        return error.ToException();
    }
}
