using System.Text;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Json;

namespace CozeCluster.Upstreams.Shared.Http;

/// <summary>An event stream that an upstream has opened.</summary>
/// <param name="Response">The response. <see cref="Close"/> disposes it.</param>
/// <param name="Body">The unread rest of its body, as <see cref="HttpBody.Open"/> has opened it.</param>
/// <param name="RequestId">The upstream's id of the request, for its support; null if it sent none.</param>
internal sealed record EventStream(HttpResponseMessage Response, Stream Body, string? RequestId)
{
    private const int MaxDrainReads = 16;
    private static readonly TimeSpan DrainTimeout = TimeSpan.FromSeconds(2);

    /// <summary>The bytes that have already been read of the body.</summary>
    public ReadOnlyMemory<byte> Prefix { get; init; }

    /// <summary>Whether a body of this media type may be a whole reply: JSON, or a type that the server has not given.</summary>
    public static bool MayBeWholeAnswer(string? mediaType) => mediaType?.Contains("json", StringComparison.OrdinalIgnoreCase) ?? true;

    /// <summary>
    /// A stream with one event, for a server that answers a request for a stream with its whole reply as JSON, or with all events in an array.
    /// </summary>
    /// <param name="response">The response.</param>
    /// <param name="answer">Its whole body.</param>
    /// <param name="requestId">See <see cref="RequestId"/>.</param>
    /// <param name="members">The members by which replies are known.</param>
    /// <returns>Null if the answer is something else.</returns>
    public static EventStream? OfWholeAnswer(HttpResponseMessage response, ReadOnlyMemory<byte> answer, string? requestId, params string[] members)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            var first = document.RootElement.ValueKind == JsonValueKind.Array ? document.RootElement.GetItems().FirstOrDefault() : document.RootElement;
            var isReply = first.GetMember("error"u8).ValueKind == JsonValueKind.Undefined
                && Array.Exists(members, name => first.GetMember(Encoding.UTF8.GetBytes(name)).ValueKind != JsonValueKind.Undefined);
            if (!isReply) return null;
        }
        catch (JsonException)
        {
            return null;
        }
        // Within JSON, line breaks are only between its tokens.
        var line = answer.ToArray();
        line.AsSpan().Replace((byte)'\n', (byte)' ');
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        return new EventStream(response, Stream.Null, requestId) { Prefix = (byte[])[.. "data:"u8, .. line, .. "\n\n"u8] };
    }

    /// <summary>Closes the connection, or gives it back so that it can be used again.</summary>
    /// <param name="hasReplyEnded">
    /// Whether the reply has ended, so that only a few bytes may follow. They are read in the background, up to 64 KiB and for two seconds at most.
    /// </param>
    /// <param name="time">The clock.</param>
    public void Close(bool hasReplyEnded, TimeProvider time)
    {
        if (hasReplyEnded) _ = Drain(time);
        else Response.Dispose();
    }

    private async Task Drain(TimeProvider time)
    {
        try
        {
            using var disposed = Response;
            using var timeout = new CancellationTokenSource(DrainTimeout, time);
            var buffer = new byte[4096];
            for (var reads = 0; reads < MaxDrainReads; reads++)
            {
                if (await Body.ReadAsync(buffer, timeout.Token).ConfigureAwait(false) == 0) break;
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or OperationCanceledException or ObjectDisposedException)
        {
            // The connection is closed.
        }
    }
}
