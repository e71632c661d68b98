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
