using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Replies;

/// <summary>Renders a reply as the events of one surface.</summary>
internal interface IReplyRenderer
{
    /// <summary>The type of the response.</summary>
    string ContentType => "text/event-stream; charset=utf-8";

    /// <summary>Writes the events before all content.</summary>
    void RenderStart(SseWriter writer);

    /// <summary>Writes the events of a batch. If the batch contains the end of the reply, also writes the events after all content.</summary>
    void Render(SseWriter writer, ReplyBatch batch);

    /// <summary>In what time <see cref="RenderHeldBack"/> is due; null if the renderer has held nothing back.</summary>
    TimeSpan? HeldBackFor => null;

    /// <summary>Writes what the renderer has held back.</summary>
    /// <returns>False if there was nothing to write.</returns>
    bool RenderHeldBack(SseWriter writer) => false;
}

/// <summary>Streams replies, for every surface: waits for batches, renders all that are available, and flushes them together.</summary>
internal sealed class ReplyStreamer(GatewayOptions options, GatewayMetrics metrics, TimeProvider time)
{
    // The response must also be flushed while batches arrive as fast as they are rendered.
    private const int MaxBatchesPerFlush = 32;

    /// <summary>The time that a client on HTTP/2 has to read the error event.</summary>
    private static readonly TimeSpan ResetDelay = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan HeartbeatInterval = TimeSpan.FromSeconds(5);

    /// <summary>Streams a reply until it ends or the client disconnects.</summary>
    /// <param name="context">The request.</param>
    /// <param name="source">The batches of one turn, or of several.</param>
    /// <param name="renderer">Renders it.</param>
    /// <param name="resumed">
    /// Whether the client resumes a turn that it knows. Then a failure of the turn is always streamed, with status 200. With an error status the client would
    /// assume that the connection failed, and would resume again.
    /// </param>
    /// <exception cref="ClusterException">The turn failed before the response started.</exception>
    /// <exception cref="ReplyCutException">The turn failed later, and the error was sent in the stream.</exception>
    public async Task Run(HttpContext context, IReplySource source, IReplyRenderer renderer, bool resumed = false)
    {
        using var activeStream = metrics.BeginStream();
        using var writer = new SseWriter(context.Response.BodyWriter);
        var started = false;
        var until = time.FromNow(resumed ? TimeSpan.Zero : options.StartGrace);
        while (!source.Ended)
        {
            var batch = await source.Next(until);
            if (context.RequestAborted.IsCancellationRequested) return;
            if (!started)
            {
                if (!resumed && batch?.Events is [ReplyFailed failed]) throw failed.Error.ToException();
                started = true;
                SetHeaders(context, renderer.ContentType);
                renderer.RenderStart(writer);
            }
            else if (batch is null && !renderer.RenderHeldBack(writer)) writer.WriteComment("keep-alive"u8);

            if (batch is not null && RenderAvailable(context, source, renderer, writer, batch))
            {
                if (resumed || RequestInfo.Of(context).Error is null) return;
                if (await Flush(context, source, writer)) await CutResponse(context);
                return;
            }
            if (!await Flush(context, source, writer)) return;
            until = time.FromNow(renderer.HeldBackFor ?? options.KeepAlive);
        }
    }

    /// <returns>Whether the reply has ended. Then no flush is needed: the end of the response flushes it.</returns>
    private static bool RenderAvailable(HttpContext context, IReplySource source, IReplyRenderer renderer, SseWriter writer, ReplyBatch batch)
    {
        var left = MaxBatchesPerFlush;
        do
        {
            renderer.Render(writer, batch);
            if (batch.Events is [.., ReplyFailed failed]) RequestInfo.Of(context).Error = failed.Error.Code;
        }
        while (--left > 0 && source.TryTake(out batch));
        return source.Ended;
    }

    private ValueTask<bool> Flush(HttpContext context, IReplySource source, SseWriter writer)
    {
        var flush = writer.Flush(context.RequestAborted);
        return flush.IsCompletedSuccessfully ? flush : FlushWithHeartbeats(flush.AsTask(), source);
    }

    private async ValueTask<bool> FlushWithHeartbeats(Task<bool> flush, IReplySource source)
    {
        while (true)
        {
            try
            {
                return await flush.WaitAsync(HeartbeatInterval, time);
            }
            catch (TimeoutException)
            {
                await source.SendHeartbeat();
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private async Task CutResponse(HttpContext context)
    {
        // RST_STREAM makes clients drop what they have received and not read yet. On HTTP/1.1 everything arrives before the end of the connection.
        if (HttpProtocol.IsHttp2(context.Request.Protocol)) await Task.Delay(ResetDelay, time, context.RequestAborted);
        throw new ReplyCutException();
    }

    private static void SetHeaders(HttpContext context, string contentType)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = contentType;
        response.Headers.CacheControl = "no-cache";
        response.Headers["x-accel-buffering"] = "no";
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }
}

/// <summary>
/// Ends a response abnormally after the error event of a reply that was cut: without the last chunk, or with RST_STREAM on HTTP/2. Some clients do not look at
/// error events, and would take a response that ends normally for a whole reply. The exception must reach the server: <c>HttpContext.Abort</c> could drop the
/// error event.
/// </summary>
internal sealed class ReplyCutException() : Exception("The reply was cut by an error, which was sent to the client.");
