using System.Security.Authentication;
using CozeCluster.Upstreams.Http;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>An answer, read to its end.</summary>
internal readonly record struct DiscordAnswer(int Status, byte[] Body, RateHeaders Rate)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}

/// <summary>Sends single attempts with one token's credentials. Thread-safe.</summary>
internal sealed class DiscordHttp(HttpMessageInvoker http, DiscordRestOptions options, TimeProvider time, ILogger logger)
{
    private const int MaxBody = 16 * 1024 * 1024;

    private readonly string _authorization = Authorization(options);
    private readonly string _baseUrl = BaseUrl(options);

    /// <summary>One attempt.</summary>
    /// <exception cref="AttemptFailedException">No answer came.</exception>
    public async Task<DiscordAnswer> Try(DiscordCall call, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.AttemptTimeout, time);
        using var ends = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, timeout.Token);
        using var request = new HttpRequestMessage(call.Route.Method, _baseUrl + call.Route.Path);
        if (call.Body is { } body) request.Content = await body(cancellationToken).ConfigureAwait(false);
        request.Headers.TryAddWithoutValidation("Authorization", _authorization);
        request.Headers.TryAddWithoutValidation("User-Agent", options.UserAgent);
        try
        {
            using var response = await http.SendAsync(request, ends.Token).ConfigureAwait(false);
            var answer = new DiscordAnswer((int)response.StatusCode, await Read(response, ends.Token).ConfigureAwait(false), RateHeaders.Of(response.Headers));
            logger.Answered(call.Route, answer.Status, options.Name);
            return answer;
        }
        catch (HttpRequestException e) when (e.InnerException is ClusterException)
        {
            // A file of the body could not be read.
            throw e.InnerException;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException or InvalidDataException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw new AttemptFailedException(!UpstreamHandlers.IsUnreached(e), e);
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
            if (body.Length > MaxBody) throw new InvalidDataException("The answer is too long.");
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
            throw new ClusterException(ErrorCode.UpstreamUnauthorized, $"The token of '{options.Name}' is empty or holds characters no token has.");
        if (options.UserAgent.Length == 0 || options.UserAgent.AsSpan().ContainsAnyExceptInRange(' ', '~'))
            throw new ClusterException(ErrorCode.InvalidRequest, $"The user agent of '{options.Name}' is empty or holds characters no header has.", "user_agent");
        return options.Kind == DiscordTokenKind.Bot ? $"Bot {options.Token}" : options.Token;
    }
}

/// <summary>An attempt to which no answer came.</summary>
/// <param name="mayHaveArrived">Whether Discord may have carried it out.</param>
/// <param name="inner">The cause; its words may hold a proxy's address.</param>
internal sealed class AttemptFailedException(bool mayHaveArrived, Exception inner) : Exception("The connection broke.", inner)
{
    public bool MayHaveArrived => mayHaveArrived;
}
