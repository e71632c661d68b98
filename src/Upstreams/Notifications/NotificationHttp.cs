using System.Buffers;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;

namespace CozeCluster.Upstreams.Notifications;

/// <summary>
/// Posts notifications as JSON, each once: the health grain repeats a notification that was not accepted. Addresses may contain secrets, so errors never show
/// them.
/// </summary>
internal sealed class NotificationHttp(TimeProvider time) : IDisposable
{
    private const int MaxErrorBody = 4096;
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly HttpMessageInvoker _client = new(UpstreamHandlers.New(proxy: null));

    /// <summary>Posts a JSON object and returns when the receiver has accepted it.</summary>
    /// <param name="receiver">The name of the receiver, for errors: <c>The webhook</c>.</param>
    /// <param name="address">The URL to post to.</param>
    /// <param name="writeMembers">Writes the members of the object.</param>
    /// <param name="readReason">Reads the receiver's reason from the body of an error response; null or empty if it gives none.</param>
    /// <param name="secretHeader">An additional header; null for none.</param>
    /// <param name="cancellationToken">Cancels the request.</param>
    /// <exception cref="ClusterException">The notification was not accepted.</exception>
    public async Task Post(
        string receiver,
        Uri address,
        Action<Utf8JsonWriter> writeMembers,
        Func<ReadOnlyMemory<byte>, string?> readReason,
        (string Name, string Value)? secretHeader,
        CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = WriteObject(writeMembers) };
        request.Headers.UserAgent.Add(UpstreamHttp.UserAgent);
        if (secretHeader is var (name, value)) request.Headers.TryAddWithoutValidation(name, value);
        try
        {
            using var response = await _client.SendAsync(request, linked.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode) return;
            var body = await response.Content.ReadAsStreamAsync(linked.Token).ConfigureAwait(false);
            var reason = readReason(await HttpBody.ReadUpTo(body, MaxErrorBody, linked.Token).ConfigureAwait(false));
            throw new ClusterException(
                ErrorCode.UpstreamFailed, $"{receiver} answered with HTTP {(int)response.StatusCode}{(string.IsNullOrEmpty(reason) ? "." : $": {reason}")}");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new ClusterException(ErrorCode.UpstreamTimeout, $"{receiver} did not answer within {Timeout.TotalSeconds:0} s.");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or AuthenticationException)
        {
            // The exception itself is not passed on: its message may contain the address.
            throw new ClusterException(ErrorCode.UpstreamUnavailable, $"{receiver} could not be reached ({UpstreamHandlers.ErrorOf(e)}).");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client.Dispose();

    private static ReadOnlyMemoryContent WriteObject(Action<Utf8JsonWriter> writeMembers)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(body))
        {
            writer.WriteStartObject();
            writeMembers(writer);
            writer.WriteEndObject();
        }
        return new ReadOnlyMemoryContent(body.WrittenMemory) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
    }
}
