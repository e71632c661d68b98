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
    private readonly ReplyRecords _records;
    private readonly CozeReply _reply;
    private readonly ILogger _logger;

    public CozeExchange(UpstreamTurn turn, EventStream stream, TimeProvider time, ILogger logger)
    {
        _turn = turn;
        _records = new ReplyRecords("Coze", stream, () => logger.StreamBroken(turn.TurnId, _reply!.ChatId, _reply.LogId), time);
        _reply = new CozeReply(new CozeIds(turn, stream.RequestId));
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
                if (!CozeEventReader.Read(record, _reply, sink)) _records.Cut();
            }
            catch (JsonException e)
            {
                _records.OnInvalid(record.IsUnterminated, e);
            }
        }
        if (_reply.Failure is { } failure) _logger.ReplyFailed(_turn.TurnId, failure.Code, _reply.ChatId, _reply.LogId);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _records.Close(_reply.HasEnded);
        return ValueTask.CompletedTask;
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
