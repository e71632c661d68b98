using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Claude;

/// <summary>An exchange whose reply Claude's API sends as an event stream.</summary>
internal sealed class ClaudeExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly EventStream _stream;
    private readonly ReplyRecords _records;
    private readonly ClaudeReply _reply;
    private readonly ILogger _logger;

    /// <param name="turn">The turn.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="answerTool">See <see cref="ClaudePlan.AnswerTool"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The logger.</param>
    public ClaudeExchange(UpstreamTurn turn, EventStream stream, string? answerTool, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _stream = stream;
        _records = new ReplyRecords("Claude", stream, () => logger.ClaudeStreamBroken(turn.TurnId, _reply!.MessageId, stream.RequestId), time);
        _reply = new ClaudeReply(turn, answerTool, stream.RequestId);
        _logger = logger;
    }

    /// <inheritdoc />
    public ValueTask<bool> WaitToRead(CancellationToken cancellationToken) =>
        _reply.HasEnded ? new(false) : _records.WaitToRead(mayEnd: false, isEndExpected: false, cancellationToken);

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _records.TryRead(out var record))
        {
            try
            {
                ClaudeEventReader.Read(record, _reply, sink);
            }
            catch (JsonException e)
            {
                _records.OnInvalid(record.IsUnterminated, e);
            }
            catch (ClusterException e)
            {
                _records.Fail(e);
            }
        }
        if (_reply.Failure is { } failure) _logger.ClaudeReplyFailed(_turn.TurnId, failure.Code, _reply.MessageId, _stream.RequestId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Close(_reply.HasEnded);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Passes the events of a stream to a <see cref="ClaudeReply"/>. Ignores unknown events.</summary>
internal static class ClaudeEventReader
{
    /// <summary>Reads one event.</summary>
    /// <exception cref="JsonException">The data does not fit the name of the event.</exception>
    /// <exception cref="ClusterException"><see cref="ErrorCode.UpstreamProtocol"/>: the reply breaks a rule of the protocol or a limit.</exception>
    public static void Read(scoped in SseRecord record, ClaudeReply reply, IReplySink sink)
    {
        var name = record.Name.TrimEnd((byte)' ');
        // The default name of an event: some servers write it for all of them.
        if (name.SequenceEqual("message"u8)) name = default;
        if (name.SequenceEqual("content_block_delta"u8) || name.IsEmpty)
        {
            if (!ClaudeDelta.TryRead(record.Data, out var delta)) throw new JsonException("An event must be an object.");
            if (!name.IsEmpty || delta.Event.Is("content_block_delta"u8)) reply.OnDelta(delta, sink);
            // Some servers omit the names of events. The data has them too.
            else ReadOther(delta.Event.Raw, record.Data, reply, sink);
            return;
        }
        ReadOther(name, record.Data, reply, sink);
    }

    private static void ReadOther(ReadOnlySpan<byte> name, ReadOnlySpan<byte> data, ClaudeReply reply, IReplySink sink)
    {
        if (name.SequenceEqual("content_block_start"u8)) reply.OnBlockStart(Parse(data), sink);
        else if (name.SequenceEqual("content_block_stop"u8)) reply.OnBlockStop(Parse(data), sink);
        else if (name.SequenceEqual("message_start"u8)) reply.OnMessageStart(Parse(data), sink);
        else if (name.SequenceEqual("message_delta"u8)) reply.OnMessageDelta(Parse(data), sink);
        else if (name.SequenceEqual("message_stop"u8)) OnMessageStop(data, reply, sink);
        else if (name.SequenceEqual("message"u8)) reply.OnMessage(Parse(data), sink);
        else if (name.SequenceEqual("error"u8)) reply.OnError(LenientJson.TryParse(data) ?? default, sink);
    }

    // The end counts only if it has arrived whole.
    private static void OnMessageStop(ReadOnlySpan<byte> data, ClaudeReply reply, IReplySink sink)
    {
        Parse(data);
        reply.OnMessageStop(sink);
    }

    private static JsonElement Parse(ReadOnlySpan<byte> data) =>
        LenientJson.TryParse(data) is { ValueKind: JsonValueKind.Object } json ? json : throw new JsonException("An event must be an object.");
}
