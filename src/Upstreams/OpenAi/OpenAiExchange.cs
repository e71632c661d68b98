using System.Runtime.CompilerServices;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>An exchange whose reply is a streamed chat completion. To dispose it before its end closes the connection, so that the server stops.</summary>
internal sealed class OpenAiExchange(UpstreamTurn turn, OpenAiStream stream, TimeProvider time, ILogger logger) : IExchange
{
    private readonly SseRecordReader _records = new(stream.Body, stream.Prefix.Span);
    private readonly OpenAiReply _reply = new(turn, stream.RequestId);
    private bool _hasStreamEnded;
    private ClusterException? _failure;

    /// <inheritdoc />
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> WaitToRead(CancellationToken cancellationToken)
    {
        if (_reply.HasEnded) return false;
        if (_failure is not null) throw _failure;
        try
        {
            if (await _records.WaitToRead(cancellationToken).ConfigureAwait(false)) return true;
        }
        catch (Exception e) when (e is IOException or HttpRequestException or InvalidDataException or ObjectDisposedException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!_reply.HasFinishReason) throw Broken("The connection to the model's server broke during the reply.", e);
        }
        if (!_reply.HasFinishReason) throw Broken("The model's server closed the stream before the reply was complete.");
        // The next read ends the reply.
        return _hasStreamEnded = true;
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _failure is null && !_hasStreamEnded && _records.TryRead(out var record)) ReadRecord(record, sink);
        if (_hasStreamEnded) _reply.OnStreamEnd(sink);
        if (_reply.Failure is { } failure) logger.ReplyFailed(turn.TurnId, failure.Code, stream.RequestId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Dispose();
        if (_reply is { HasEnded: true, Failure: null }) _ = HttpBody.Drain(stream.Response, stream.Body, OpenAiLimits.MaxDrainReads, time);
        else stream.Response.Dispose();
        return ValueTask.CompletedTask;
    }

    private void ReadRecord(scoped in SseRecord record, IReplySink sink)
    {
        try
        {
            var data = record.Data.Trim(" \r\n"u8);
            if (data.SequenceEqual("[DONE]"u8))
            {
                if (!_reply.OnStreamEnd(sink)) _failure = Broken("The model's server ended the stream without saying that the reply is complete.");
            }
            else if (record.Name.SequenceEqual("error"u8))
            {
                _reply.Fail(OpenAiErrors.ToError(OpenAiRefusal.Parse(LenientJson.TryParse(data) ?? default)), sink);
            }
            else if (!data.IsEmpty)
            {
                _reply.OnChunk(data, sink);
            }
        }
        catch (JsonException) when (record.IsUnterminated)
        {
            _failure = Broken("The connection to the model's server broke during the reply.");
        }
        catch (JsonException e)
        {
            _failure = new ClusterException(ErrorCode.UpstreamProtocol, "The model's server sent an event that is not valid JSON of its kind.", inner: e);
        }
    }

    private ClusterException Broken(string message, Exception? inner = null)
    {
        logger.StreamBroken(turn.TurnId, stream.RequestId);
        return _failure = new ClusterException(ErrorCode.UpstreamUnavailable, message, inner: inner);
    }
}
