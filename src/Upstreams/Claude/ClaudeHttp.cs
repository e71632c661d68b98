using System.Net.Http.Headers;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Claude;

/// <summary>Sends <c>POST /v1/messages</c>, once. Throws a <see cref="ClusterException"/> for everything except a reply.</summary>
internal sealed class ClaudeHttp(UpstreamHttp http, ISecretSeal seal, TimeProvider time, ILogger logger)
{
    /// <summary>Sends a request and opens its event stream.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="beta">The header <c>anthropic-beta</c>; null: none.</param>
    /// <param name="content">The request.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="ClusterException">Claude refused the request, sent something else, or could not be reached.</exception>
    public async Task<EventStream> OpenStream(UpstreamTurn turn, string? beta, HttpContent content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, BuildUri(turn.Account)) { Content = content };
        Authorize(request.Headers, turn.Account);
        request.Headers.Add("anthropic-version", ClaudeApi.Version);
        if (beta is not null) request.Headers.Add("anthropic-beta", beta);
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        // A server that compresses a stream delays its events.
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        // A reply ends with its connection, so nothing is running after a failure.
        var response = await http.Send(turn.Account, request, ErrorCode.UpstreamUnavailable, cancellationToken).ConfigureAwait(false);
        logger.ClaudeAnswered(turn.TurnId, (int)response.StatusCode, turn.Account.Id, RequestIdOf(response));
        try
        {
            var body = await HttpBody.Open(response, cancellationToken).ConfigureAwait(false);
            var type = response.Content.Headers.ContentType?.MediaType;
            if (response.IsSuccessStatusCode && string.Equals(type, "text/event-stream", StringComparison.OrdinalIgnoreCase))
                return new EventStream(response, body, RequestIdOf(response));
            if (!response.IsSuccessStatusCode || !EventStream.MayBeWholeAnswer(type))
                throw ToException(turn, response, await ReadErrorBody(response, body, cancellationToken).ConfigureAwait(false));
            var answer = await HttpBody.ReadUpTo(body, SseRecordReader.MaxRecord, cancellationToken).ConfigureAwait(false);
            return EventStream.OfWholeAnswer(response, answer, RequestIdOf(response), "content") ?? throw ToException(turn, response, answer);
        }
        catch (Exception e)
        {
            response.Dispose();
            if (e is not (IOException or HttpRequestException or InvalidDataException)) throw;
            throw new ClusterException(ErrorCode.UpstreamUnavailable, "The connection to Claude broke while Claude was answering.", inner: e);
        }
    }

    private ClusterException ToException(UpstreamTurn turn, HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        var (status, requestId) = (response.StatusCode, RequestIdOf(response));
        var refusal = ClaudeRefusal.Parse(LenientJson.TryParse(body.Span) ?? default, requestId);
        var error = ClaudeErrors.ToError(refusal, status, ClaudeErrors.GetRetryTime(response.Headers, time));
        if (refusal.Type is null && (int)status is >= 300 and < 400)
        {
            error = new Error(
                ErrorCode.UpstreamProtocol, $"Claude's server redirects (HTTP {(int)status}). Redirects are not followed. Check the account's base_url.");
        }
        else if (refusal.Type is null && response.IsSuccessStatusCode)
        {
            var type = UpstreamText.Clean(response.Content.Headers.ContentType?.MediaType ?? "no content type");
            error = new Error(ErrorCode.UpstreamProtocol, $"Claude sent an unexpected answer ({type}, {body.Length} bytes). Check the account's base_url.");
        }
        var kind = refusal.Type is null ? null : UpstreamText.Clean(refusal.Type);
        logger.ClaudeRefused(turn.TurnId, error.Code, kind, (int)status, requestId);
        return error.ToException();
    }

    // The base_url may be given with or without the version, as clients of Claude and of other APIs expect it.
    private static Uri BuildUri(AccountDefinition account)
    {
        var address = account.BaseUrl.TrimEnd('/');
        if (address.EndsWith("/v1", StringComparison.Ordinal)) address = address[..^"/v1".Length];
        return UpstreamHttp.BuildUri(account, address + "/v1/messages");
    }

    private void Authorize(HttpRequestHeaders headers, AccountDefinition account)
    {
        var key = account.Token is { } token ? seal.Open(token).Trim() : "";
        if (key.Length == 0 || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnauthorized,
                $"The token of account '{account.Id}' is empty or has characters that tokens cannot have. Correct it in the fleet file.");
        }
        if (ClaudeAccountOptions.Parse(account).IsBearer) headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        else headers.Add("x-api-key", key);
    }

    private static string? RequestIdOf(HttpResponseMessage response) =>
        response.Headers.TryGetValues("request-id", out var values) ? UpstreamText.Clean(values.FirstOrDefault()) : null;

    private static async Task<ReadOnlyMemory<byte>> ReadErrorBody(HttpResponseMessage response, Stream body, CancellationToken cancellationToken)
    {
        try
        {
            return await HttpBody.ReadUpTo(body, ClaudeLimits.MaxErrorBody, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException && !response.IsSuccessStatusCode)
        {
            // The status code alone determines the error.
            return default;
        }
    }
}
