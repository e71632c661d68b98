using System.Security.Authentication;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>A complete response.</summary>
internal readonly record struct DiscordResponse(int Status, byte[] Body, RateLimitHeaders RateLimit)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>Sends requests with one token's credentials, each once. Thread-safe.</summary>
internal sealed class DiscordHttp(HttpMessageInvoker http, DiscordRestOptions options, TimeProvider time, ILogger logger)
{
    private const int MaxBody = 16 * 1024 * 1024;

    private readonly string _authorization = Authorization(options);
    private readonly string _baseUrl = BaseUrl(options);

    /// <summary>Makes one attempt to send a request.</summary>
    /// <exception cref="NoResponseException">There was no complete response.</exception>
    public async Task<DiscordResponse> Send(DiscordRequest request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.AttemptTimeout, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var message = new HttpRequestMessage(request.Route.Method, _baseUrl + request.Route.Path);
        if (request.Body is { } body) message.Content = await body(cancellationToken).ConfigureAwait(false);
        message.Headers.TryAddWithoutValidation("Authorization", _authorization);
        message.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        try
        {
            using var received = await http.SendAsync(message, ends.Token).ConfigureAwait(false);
            var response = new DiscordResponse(
                (int)received.StatusCode, await Read(received, ends.Token).ConfigureAwait(false), RateLimitHeaders.Read(received.Headers));
            logger.ResponseReceived(request.Route, response.Status, options.Name);
            return response;
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException)
        {
            // A file of the body could not be read.
            throw e.InnerException;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException or InvalidDataException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new NoResponseException(!UpstreamHandlers.IsUnreached(e), e);
        }
    }

    private static async Task<byte[]> Read(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var body = new MemoryStream();
        var buffer = new byte[8 * 1024];
        while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is var read and > 0)
        {
            body.Write(buffer, 0, read);
            if (body.Length > MaxBody) throw new InvalidDataException("The response is too long.");
        }
        return body.ToArray();
    }

    private static string BaseUrl(DiscordRestOptions options) =>
        Uri.TryCreate(options.BaseUrl, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? options.BaseUrl.TrimEnd('/')
            : throw new ClusterException(ErrorCode.UpstreamUnavailable, $"The base_url of '{options.Name}' is not an http:// or https:// address.");

    private static string Authorization(DiscordRestOptions options)
    {
        if (options.Token.Length == 0 || options.Token.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ClusterException(
                ErrorCode.UpstreamUnauthorized, $"The token of '{options.Name}' is empty or contains characters that tokens do not have.");
        }
        if (options.UserAgent.Length == 0 || options.UserAgent.AsSpan().ContainsAnyExceptInRange(' ', '~'))
        {
            throw new ClusterException(
                ErrorCode.InvalidRequest, $"The user agent of '{options.Name}' is empty or contains characters that headers cannot have.", "user_agent");
        }
        return options.Kind == DiscordTokenKind.Bot ? $"Bot {options.Token}" : options.Token;
    }
}

/// <summary>An attempt ended without a complete response.</summary>
/// <param name="mayHaveArrived">Whether Discord may have received and executed the request.</param>
/// <param name="inner">The cause. Its text may contain a proxy's address.</param>
internal sealed class NoResponseException(bool mayHaveArrived, Exception inner) : Exception("The connection broke.", inner)
{
    public bool MayHaveArrived => mayHaveArrived;
}
