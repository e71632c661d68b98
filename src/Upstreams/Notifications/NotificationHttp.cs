using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using CozeCluster.Upstreams.Http;

namespace CozeCluster.Upstreams.Notifications;

/// <summary>Posts JSON to where notices go. Addresses may hold secrets: they appear in no error.</summary>
internal sealed class NotificationHttp(TimeProvider time) : IDisposable
{
    private const int MaxAnswer = 4096;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly HttpMessageInvoker _client = new(UpstreamHandlers.New(proxy: null));

    /// <summary>Posts and returns once it was taken.</summary>
    /// <param name="what">What is posted to, for errors: <c>The webhook</c>.</param>
    /// <param name="address">Where to.</param>
    /// <param name="write">Writes the body.</param>
    /// <param name="refusal">Words from a refusal's body.</param>
    /// <param name="secretHeader">A header's value; null: no such header.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ClusterException">It was not taken.</exception>
    public async Task Post(
        string what, Uri address, Action<Utf8JsonWriter> write, Func<byte[], string?> refusal, (string Name, string Value)? secretHeader, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = Json(write) };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("CozeCluster", productVersion: null));
        if (secretHeader is var (name, value)) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await _client.SendAsync(request, either.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return;
            var said = refusal(await Beginning(response, either.Token).ConfigureAwait(false));
            throw new ClusterException(ErrorCode.UpstreamFailed, $"{what} answers with HTTP {(int)response.StatusCode}{(string.IsNullOrEmpty(said) ? "." : $": {said}")}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException(ErrorCode.UpstreamTimeout, $"{what} did not answer within {Timeout.TotalSeconds:0} s.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException)
        {
            var error = (e as HttpRequestException)?.HttpRequestError ?? HttpRequestError.Unknown;
            throw new ClusterException(ErrorCode.UpstreamUnavailable, $"{what} could not be reached ({error}).");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client.Dispose();

    private static ByteArrayContent Json(Action<Utf8JsonWriter> write)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }
        return new ByteArrayContent(body.WrittenSpan.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }

    private static async Task<byte[]> Beginning(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        var buffer = new byte[MaxAnswer];
        return buffer[..await body.ReadAtLeastAsync(buffer, MaxAnswer, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)];
    }
}
