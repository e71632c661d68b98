using System.Runtime.CompilerServices;
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
    private readonly ClaudeStream _stream;
    private readonly SseRecordReader _records;
    private readonly ClaudeReply _reply;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private ClusterException? _failure;

    /// <param name="turn">The turn.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="answerTool">See <see cref="ClaudePlan.AnswerTool"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The logger.</param>
    public ClaudeExchange(UpstreamTurn turn, ClaudeStream stream, string? answerTool, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _stream = stream;
        _records = new SseRecordReader(stream.Body);
        _reply = new ClaudeReply(turn, answerTool, stream.RequestId);
        _time = time;
        _logger = logger;
    }

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
            SetBroken("The connection to Claude broke during the reply.", e);
        }
        if (_failure is null) SetBroken("Claude closed the stream before the reply was complete.");
        throw _failure!;
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _failure is null && _records.TryRead(out var record))
        {
            try
            {
                ClaudeEventReader.Read(record, _reply, sink);
            }
            catch (JsonException) when (record.IsUnterminated)
            {
                SetBroken("The connection to Claude broke during the reply.");
            }
            catch (JsonException e)
            {
                _failure = new ClusterException(ErrorCode.UpstreamProtocol, "Claude sent an event that is not valid JSON of its kind.", inner: e);
            }
            catch (ClusterException e)
            {
                _failure = e;
            }
        }
        if (_reply.Failure is { } failure) _logger.ClaudeReplyFailed(_turn.TurnId, failure.Code, _reply.MessageId, _stream.RequestId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Dispose();
        if (_reply.HasEnded) _ = HttpBody.Drain(_stream.Response, _stream.Body, ClaudeLimits.MaxDrainReads, _time);
        else _stream.Response.Dispose();
        return ValueTask.CompletedTask;
    }

    private void SetBroken(string message, Exception? inner = null)
    {
        _logger.ClaudeStreamBroken(_turn.TurnId, _reply.MessageId, _stream.RequestId);
        _failure = new ClusterException(ErrorCode.UpstreamUnavailable, message, inner: inner);
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
