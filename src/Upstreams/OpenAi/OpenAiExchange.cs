using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.OpenAi;

/// <summary>An exchange whose reply is a streamed chat completion. To dispose it before its end closes the connection, so that the server stops.</summary>
internal sealed class OpenAiExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly EventStream _stream;
    private readonly ReplyRecords _records;
    private readonly OpenAiReply _reply;
    private readonly ILogger _logger;

    public OpenAiExchange(UpstreamTurn turn, EventStream stream, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _stream = stream;
        _records = new ReplyRecords("the model's server", stream, () => logger.StreamBroken(turn.TurnId, stream.RequestId), time);
        _reply = new OpenAiReply(turn, stream.RequestId);
        _logger = logger;
    }

    /// <inheritdoc />
    public ValueTask<bool> WaitToRead(CancellationToken cancellationToken) =>
        _reply.HasEnded ? new(false) : _records.WaitToRead(_reply.HasFinishReason, _reply.IsEndExpected, cancellationToken);

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _records.TryRead(out var record))
        {
            try
            {
                ReadRecord(record, sink);
            }
            catch (JsonException e)
            {
                _records.OnInvalid(record.IsUnterminated, e);
            }
        }
        if (_records.HasEnded) _reply.OnStreamEnd(sink);
        if (_reply.Failure is { } failure) _logger.ReplyFailed(_turn.TurnId, failure.Code, _stream.RequestId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Close(_reply is { HasEnded: true, Failure: null });
        return ValueTask.CompletedTask;
    }

    private void ReadRecord(scoped in SseRecord record, IReplySink sink)
    {
        var data = record.Data.Trim(" \r\n"u8);
        if (data.SequenceEqual("[DONE]"u8))
        {
            if (!_reply.OnStreamEnd(sink)) _records.Cut("The model's server ended the stream without saying that the reply is complete.");
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
}
