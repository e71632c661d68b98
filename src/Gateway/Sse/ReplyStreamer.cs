using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Observing;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace CozeCluster.Gateway.Sse;

/// <summary>How one surface writes a reply as events.</summary>
internal interface IReplyRenderer
{
    /// <summary>Writes what comes before all content.</summary>
    void Open(SseWriter writer);

    /// <summary>Writes a batch; with its end, what comes after all content.</summary>
    void Render(SseWriter writer, ReplyBatch batch);
}

/// <summary>Streams a reply, for every surface: waits, renders all that is there, flushes once.</summary>
internal sealed class ReplyStreamer(GatewayOptions options, GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>A reply that comes as fast as it is written has to be flushed all the same.</summary>
    private const int BatchesPerFlush = 32;

    private static readonly TimeSpan SignOfListening = TimeSpan.FromSeconds(5);

    /// <summary>Streams until the reply ends or the client is gone.</summary>
    /// <param name="context">The request.</param>
    /// <param name="reader">Where the reply comes from.</param>
    /// <param name="renderer">How it is written.</param>
    /// <param name="resumed">
    /// Whether the client comes back to a turn it knows: then its failure is part of what is streamed, like everything else of it, and never the answer to this
    /// request, which a client would take for a fault of the connection and send again.
    /// </param>
    /// <exception cref="ClusterException">The turn failed before the response started.</exception>
    public async Task Run(HttpContext context, ReplyReader reader, IReplyRenderer renderer, bool resumed = false)
    {
        using var counted = metrics.BeginStream();
        using var writer = new SseWriter(context.Response.BodyWriter);
        var started = false;
        var until = time.FromNow(resumed ? TimeSpan.Zero : options.StartGrace);
        while (!reader.Ended)
        {
            var batch = await reader.Next(until);
            if (context.RequestAborted.IsCancellationRequested) return;
            if (!started)
            {
                if (!resumed && batch?.Events is [ReplyFailed early]) throw early.Error.ToException();
                started = true;
                SetHeaders(context);
                renderer.Open(writer);
            }
            else if (batch is null) writer.Comment("keep-alive"u8);

            if (batch is not null && Render(context, reader, renderer, writer, batch)) return;
            if (!await Flush(context, reader, writer)) return;
            until = time.FromNow(options.KeepAlive);
        }
    }

    /// <returns>Whether that was the end; it is flushed by completing the response.</returns>
    private static bool Render(HttpContext context, ReplyReader reader, IReplyRenderer renderer, SseWriter writer, ReplyBatch batch)
    {
        var left = BatchesPerFlush;
        do
        {
            renderer.Render(writer, batch);
            if (batch.Events is [.., ReplyFailed failed]) Call.Of(context).Error = failed.Error.Code;
        }
        while (--left > 0 && reader.TryTake(out batch));
        return reader.Ended;
    }

    private ValueTask<bool> Flush(HttpContext context, ReplyReader reader, SseWriter writer)
    {
        var flush = writer.Flush(context.RequestAborted);
        return flush.IsCompletedSuccessfully ? flush : Patiently(flush.AsTask(), reader);
    }

    private async ValueTask<bool> Patiently(Task<bool> flush, ReplyReader reader)
    {
        while (true)
        {
            try
            {
                return await flush.WaitAsync(SignOfListening, time);
            }
            catch (TimeoutException)
            {
                await reader.StillHere();
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }

    private static void SetHeaders(HttpContext context)
    {
        var response = context.Response;
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = "text/event-stream; charset=utf-8";
        response.Headers.CacheControl = "no-cache";
        response.Headers["x-accel-buffering"] = "no";
        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
    }
}
