using System.Runtime.CompilerServices;
using System.Text.Json;
using CozeCluster.Upstreams.Shared.Http;
using CozeCluster.Upstreams.Shared.Json;
using CozeCluster.Upstreams.Shared.Sse;
using Microsoft.Extensions.Logging;

namespace CozeCluster.Upstreams.Coze;

/// <summary>An exchange whose reply Coze sends as an event stream.</summary>
internal sealed class CozeExchange : IExchange
{
    private readonly UpstreamTurn _turn;
    private readonly CozeStream _stream;
    private readonly SseRecordReader _records;
    private readonly CozeReply _reply;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private ClusterException? _failure;

    public CozeExchange(UpstreamTurn turn, CozeStream stream, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _stream = stream;
        _records = new SseRecordReader(stream.Body, stream.Prefix.Span);
        _reply = new CozeReply(new CozeIds(turn, stream.LogId));
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
            SetBroken("The connection to Coze broke during the reply.", e);
        }
        if (_failure is null) SetBroken("Coze closed the stream before the reply was complete.");
        throw _failure!;
    }

    /// <inheritdoc />
    public void Read(IReplySink sink)
    {
        while (!_reply.HasEnded && _failure is null && _records.TryRead(out var record))
        {
            try
            {
                if (!CozeEventReader.Read(record, _reply, sink)) SetBroken("Coze closed the stream before the reply was complete.");
            }
            catch (JsonException) when (record.IsUnterminated)
            {
                SetBroken("The connection to Coze broke during the reply.");
            }
            catch (JsonException e)
            {
                _failure = new ClusterException(ErrorCode.UpstreamProtocol, "Coze sent an event that is not valid JSON of its kind.", inner: e);
            }
        }
        if (_reply.Failure is { } failure) _logger.ReplyFailed(_turn.TurnId, failure.Code, _reply.ChatId, _reply.LogId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Dispose();
        if (_reply.HasEnded) _ = HttpBody.Drain(_stream.Response, _stream.Body, CozeLimits.MaxDrainReads, _time);
        else _stream.Response.Dispose();
        return ValueTask.CompletedTask;
    }

    private void SetBroken(string message, Exception? inner = null)
    {
        _logger.StreamBroken(_turn.TurnId, _reply.ChatId, _reply.LogId);
        _failure = new ClusterException(ErrorCode.UpstreamUnavailable, message, inner: inner);
    }
}

/// <summary>Passes the events of a stream to a <see cref="CozeReply"/>. Ignores unknown events.</summary>
internal static class CozeEventReader
{
    /// <summary>Reads one event.</summary>
    /// <returns>False if Coze has ended the stream although the reply has not ended.</returns>
    /// <exception cref="JsonException">The data does not fit the name of the event.</exception>
    public static bool Read(scoped in SseRecord record, CozeReply reply, IReplySink sink)
    {
        var name = record.Name.TrimEnd((byte)' ');
        if (name.SequenceEqual("conversation.message.delta"u8))
        {
            reply.OnDelta(ReadMessage(record.Data), sink);
            return true;
        }
        if (name.SequenceEqual("conversation.message.completed"u8))
        {
            reply.OnMessageCompleted(ReadMessage(record.Data), sink);
            return true;
        }
        if (name.StartsWith("conversation.chat."u8)) return ReadChat(name["conversation.chat.".Length..], record.Data, reply, sink);
        if (name.SequenceEqual("error"u8)) return ReadError(record.Data, reply, sink);
        if (name.SequenceEqual("done"u8)) return reply.OnDone(sink);
        return !name.IsEmpty || ReadUnnamed(record.Data, reply, sink);
    }

    private static CozeMessage ReadMessage(ReadOnlySpan<byte> data) =>
        CozeMessage.TryRead(data, out var message) ? message : throw new JsonException("A message must be an object.");

    private static bool ReadChat(ReadOnlySpan<byte> status, ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        CozeChatStatus known;
        if (status.SequenceEqual("created"u8) || status.SequenceEqual("in_progress"u8)) known = CozeChatStatus.Running;
        else if (status.SequenceEqual("completed"u8)) known = CozeChatStatus.Completed;
        else if (status.SequenceEqual("requires_action"u8)) known = CozeChatStatus.RequiresAction;
        else if (status.SequenceEqual("failed"u8)) known = CozeChatStatus.Failed;
        else if (status.SequenceEqual("canceled"u8) || status.SequenceEqual("cancelled"u8)) known = CozeChatStatus.Canceled;
        else return true;

        if (LenientJson.TryParse(data) is not { ValueKind: JsonValueKind.Object } chat) throw new JsonException("A chat must be an object.");
        reply.OnChat(chat, known, sink);
        return true;
    }

    private static bool ReadError(ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        var json = LenientJson.TryParse(data) ?? default;
        var refusal = json.ValueKind == JsonValueKind.Object
            ? CozeRefusal.Parse(json, reply.LogId)
            : new CozeRefusal(null, json.GetText(), LogId: reply.LogId);
        // Coze ends the streams of long chats with an empty error, and the chat continues on its server (coze-js issue 333). That is a broken stream and not a
        // failed chat.
        if (!refusal.IsError && string.IsNullOrWhiteSpace(refusal.Message)) return false;
        reply.Fail(CozeErrors.ToError(refusal), sink);
        return true;
    }

    // Some servers omit the name of "done", or send an error response in place of the stream.
    private static bool ReadUnnamed(ReadOnlySpan<byte> data, CozeReply reply, IReplySink sink)
    {
        var text = data.Trim(" \""u8);
        if (text.SequenceEqual("[DONE]"u8)) return reply.OnDone(sink);
        if (LenientJson.TryParse(data) is { ValueKind: JsonValueKind.Object } json && CozeRefusal.Parse(json, reply.LogId) is { IsError: true } refusal)
            reply.Fail(CozeErrors.ToError(refusal), sink);
        return true;
    }
}
